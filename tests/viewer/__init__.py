"""The built viewer in a real headless Chromium, over tiles from real and generated data."""
