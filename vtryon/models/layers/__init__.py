"""Layers of the try-on networks, and their forms for speed."""
