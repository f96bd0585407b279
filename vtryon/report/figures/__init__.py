"""Figures drawn from files of runs."""
