"""vtryon: train, compress, measure and deploy the PF-AFN virtual try-on model.

`vtryon.load` reads a network that a run left, `vtryon.try_on` shows a person in a garment; both import torch when they
are first asked for, so that importing the package stays cheap.
"""

from importlib import import_module
from typing import Any

from vtryon.utils import torchvision_guard

__version__ = "0.1.0"
__all__ = ["load", "try_on"]

torchvision_guard.install()


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("vtryon.deploy.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
