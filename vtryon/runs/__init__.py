"""Runs: one run and its state, runs in order, and sweeps that can be resumed."""
