"""The demo portfolio, made by real computation through operations."""
