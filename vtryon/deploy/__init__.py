"""Deployment: networks as files, on runtimes, on photos, on a board."""
