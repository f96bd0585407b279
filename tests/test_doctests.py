"""Every example in a docstring says what really comes out; modules are imported when their test runs, not before."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(file for file in (ROOT / "vtryon").rglob("*.py") if ">>> " in file.read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_examples_of_a_module_are_true(file):
    module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0, "an example outside a docstring is never run"
    assert outcome.failed == 0
