"""The small VITON folder of the data tests."""

from data.conftest import clean  # noqa: F401  a fixture
