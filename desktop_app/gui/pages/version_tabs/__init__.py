"""The tabs of a version: one module each, made by `gui.pages.version`."""
