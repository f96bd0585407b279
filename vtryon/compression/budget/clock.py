"""Milliseconds of a try-on where it will run: OpenVINO on this machine's CPU, in each precision that it has."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from vtryon.compression.sensitivity.resumable_csv import progress
from vtryon.deploy.runtime.opening import PRECISIONS
from vtryon.models.tryon import TryOnNet
from vtryon.utils.latency import BlockTimes
from vtryon.utils.optional_dependencies import needed

Times = dict[str, BlockTimes]  # of a try-on, by precision
AUTO = "auto"
CAPABILITIES = {"f32": "FP32", "bf16": "BF16", "int8": "INT8"}  # as OpenVINO names them

if TYPE_CHECKING:
    import openvino


class Clock:
    """Times networks in OpenVINO, one try-on at a time, with as many threads as torch has.

    Args:
        size: (height, width) of the pictures.
        precision: one of `PRECISIONS`, or "auto": each that this CPU computes in. int8 is set by one random pair, which
            is enough for the time that it takes, and says nothing of its quality.

    Raises:
        ValueError: a precision that is none of them, or that this CPU does not compute in.
        ImportError: OpenVINO is not installed.
    """

    def __init__(self, size: tuple[int, int], precision: str = AUTO):
        if precision not in (*PRECISIONS, AUTO):
            raise ValueError(f"target.precision (={precision!r}) must be one of {', '.join((*PRECISIONS, AUTO))}")
        possible = precisions_here()
        if precision not in (*possible, AUTO):
            raise ValueError(
                f"target.precision (={precision!r}): this CPU does not compute in it; take one of {', '.join(possible)}"
            )
        self.size, self.precisions = size, possible if precision == AUTO else [precision]

    def __call__(self, nets: Iterable[TryOnNet]) -> list[Times]:
        """Medians of each network, all timed in turn."""
        from vtryon.deploy.runtime.block_times import block_times

        nets, models = list(nets), []
        with progress("networks to time", len(nets)) as advance:
            for net in nets:
                models += self._models(net)
                advance()
        count = len(self.precisions)
        times = block_times(models, self.size, self.precisions * len(nets))
        return [
            dict(zip(self.precisions, times[first : first + count], strict=True))
            for first in range(0, len(times), count)
        ]

    def machine(self) -> dict[str, Any]:
        """What else than the network its times depend on."""
        import openvino

        from vtryon.deploy.runtime.openvino_core import core

        return {
            "cpu": core().get_property("CPU", "FULL_DEVICE_NAME"),
            "openvino": openvino.get_version(),
            "threads": torch.get_num_threads(),
            "size": list(self.size),
            "precisions": self.precisions,
        }

    def _models(self, net: TryOnNet) -> list["openvino.Model"]:
        """One for each precision; f32 and bf16 are the same model, which the runtime computes in either."""
        from vtryon.deploy.export.post_training import quantize_openvino
        from vtryon.deploy.runtime.openvino_graph import openvino_graph

        training = net.training
        model = openvino_graph(net.eval(), self.size, batch=None)
        net.train(training)
        person, cloth = torch.rand(2, 1, 3, *self.size, generator=torch.Generator().manual_seed(0)) * 2 - 1
        pairs = [(person, cloth, torch.ones(1, 1, *self.size))]
        return [
            quantize_openvino(model.clone(), net, pairs, corrected=False) if precision == "int8" else model
            for precision in self.precisions
        ]


def precisions_here() -> list[str]:
    """Those of `PRECISIONS` that this CPU has instructions for, by OpenVINO."""
    with needed("a target in milliseconds", "deploy"):
        from vtryon.deploy.runtime.openvino_core import core
    capabilities = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [precision for precision in PRECISIONS if CAPABILITIES[precision] in capabilities]
