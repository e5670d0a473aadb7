"""Where evidence is computed: data in, result records out. Heavy imports stay inside functions."""
