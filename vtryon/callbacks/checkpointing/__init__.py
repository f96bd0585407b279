"""Checkpoints: saved whole, resumed bit for bit, also after a signal."""
