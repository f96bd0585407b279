"""Losses: pure functions and thin classes; terms come back named."""
