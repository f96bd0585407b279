"""Callbacks: read what a step returned, score it, draw it, log it."""
