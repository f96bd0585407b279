"""Sensitivity: what the try-on loses with a block, a filter, or a block in int8."""
