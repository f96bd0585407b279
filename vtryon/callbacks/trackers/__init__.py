"""Trackers: loggers that also hold pictures, tables, summaries and models; a module for each, named as its package."""
