"""The registry of things: which sensor hangs where, read from the lists that a county keeps (CSV, GeoJSON)."""
