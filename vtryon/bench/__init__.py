"""Benchmarks: what `vtryon bench` measures."""
