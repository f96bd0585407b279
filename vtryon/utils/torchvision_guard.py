"""Let torchvision be imported beside a torch that its compiled extension was not built for.

The wheel of torchvision on the package index links CUDA. Beside a CPU-only torch its extension does not load, and then
`import torchvision` fails because the operators it attaches meta kernels to were never declared - and with it fail
Lightning, torchmetrics and pytorch-fid. What this project takes from torchvision (VGG19, Inception) is plain Python, so
declaring the two operators is enough. Where torch and torchvision match nothing is declared.

`import vtryon` installs the guard; it acts when torchvision is first imported, so that importing vtryon stays cheap.
"""

import importlib.machinery
import sys

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list = []  # torch.library withdraws what a collected Library declared


class _Guard:
    """A meta path finder that finds nothing: it prepares the ground once and leaves the import to the others."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            _declare_missing_operators()


def install() -> None:
    """Watch for the first import of torchvision; calling it again, or after that import, changes nothing."""
    if "torchvision" not in sys.modules and not any(isinstance(finder, _Guard) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Guard())


def _declare_missing_operators() -> None:
    import torch

    spec = importlib.machinery.PathFinder.find_spec("torchvision")
    folders = (spec.submodule_search_locations or []) if spec else []
    extension = importlib.machinery.PathFinder.find_spec("_C", list(folders))
    if extension is None or extension.origin is None:
        return
    try:
        torch.ops.load_library(extension.origin)
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in _SCHEMAS:
            library.define(schema)
        _declared.append(library)
