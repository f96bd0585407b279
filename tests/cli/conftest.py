"""The folder of photos of the deployment tests."""

from deploy.conftest import folder  # noqa: F401  a fixture
