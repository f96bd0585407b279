"""What tests of whole runs share."""

import pytest


@pytest.fixture
def here(chain, tmp_path, monkeypatch):
    """An empty working folder, with the demo's runs as those before and its pictures in the cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VTRYON_CACHE", str(chain.parent / "cache"))
    return tmp_path
