"""Reports: read rows of runs and compare them with published tables; never imports torch."""
