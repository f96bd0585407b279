"""Compression to a budget of work, size or time."""
