"""Milliseconds of a try-on where it will run: OpenVINO on this machine's CPU, in the precision that suits it."""

from typing import Any

import torch

from vtryon.deploy.runtime.opening import PRECISIONS
from vtryon.models.tryon import TryOnNet
from vtryon.utils.latency import BlockTimes
from vtryon.utils.optional_dependencies import needed

AUTO = "auto"
CAPABILITIES = {"f32": "FP32", "bf16": "BF16", "int8": "INT8"}  # as OpenVINO names them


class Clock:
    """Times networks in OpenVINO, one try-on at a time, with as many threads as torch has.

    Args:
        size: (height, width) of the pictures.
        precision: one of `PRECISIONS`, or "auto", the one in which the first network that is timed is fastest. int8
            is set by one random pair, which is enough for the time that it takes, and says nothing of its quality.

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
        self.size, self.precision = size, precision

    def __call__(self, net: TryOnNet) -> BlockTimes:
        """Medians, of the whole try-on and of each block."""
        if self.precision == AUTO:
            times = {precision: self._time(net, precision) for precision in precisions_here()}
            self.precision = min(times, key=lambda precision: times[precision].whole)
            return times[self.precision]
        return self._time(net, self.precision)

    def machine(self) -> dict[str, Any]:
        """What else than the network its times depend on."""
        import openvino

        from vtryon.deploy.runtime.openvino_graph import core

        return {
            "cpu": core().get_property("CPU", "FULL_DEVICE_NAME"),
            "openvino": openvino.get_version(),
            "threads": torch.get_num_threads(),
            "size": list(self.size),
            "precision": self.precision,
        }

    def _time(self, net: TryOnNet, precision: str) -> BlockTimes:
        from vtryon.deploy.export.post_training import quantize_openvino
        from vtryon.deploy.runtime.block_times import block_times
        from vtryon.deploy.runtime.openvino_graph import openvino_graph

        training = net.training
        model = openvino_graph(net.eval(), self.size, batch=None)
        if precision == "int8":
            person, cloth = torch.rand(2, 1, 3, *self.size, generator=torch.Generator().manual_seed(0)) * 2 - 1
            model = quantize_openvino(model, net, [(person, cloth, torch.ones(1, 1, *self.size))])
        net.train(training)
        return block_times(model, self.size, precision)


def precisions_here() -> list[str]:
    """Those of `PRECISIONS` that this CPU has instructions for, by OpenVINO."""
    with needed("a target in milliseconds", "deploy"):
        from vtryon.deploy.runtime.openvino_graph import core
    capabilities = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [precision for precision in PRECISIONS if CAPABILITIES[precision] in capabilities]
