"""One script for each format of the schema."""
