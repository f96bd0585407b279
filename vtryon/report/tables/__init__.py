"""Rows of runs as tables: measured beside published, verdicts, Pareto front."""
