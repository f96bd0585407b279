"""Compose a config from conf/ and check it, without torch."""
