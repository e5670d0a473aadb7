"""Keys and proof."""
