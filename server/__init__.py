"""The Starlette application: viewer, tilesets and operation, by documented URLs."""
