"""Paper: a pack in, deterministic bytes out."""
