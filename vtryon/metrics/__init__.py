"""Metrics: quality against the truth, realism of a set, and cost."""
