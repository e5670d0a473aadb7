"""The shared registry: the only room with SQL. Two doors: `Store.read` and `Store.write`."""
