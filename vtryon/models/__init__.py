"""Networks: tensors in, tensors out. This floor imports torch and `vtryon.utils`, nothing above."""

from importlib import import_module
from typing import Any

_MODULES = {
    "AFWM": "vtryon.models.afwm",
    "ResUnetGenerator": "vtryon.models.generator",
    "TryOn": "vtryon.models.tryon",
    "TryOnNet": "vtryon.models.tryon",
    "TutorNet": "vtryon.models.tryon",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
