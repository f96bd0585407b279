"""The number of try-ons within an energy budget, on measured or estimated machines (figure F14).

A figure is measured where latency and power were both read on the machine itself while it computed; a figure that
follows from operations, bytes and a rated power is marked as estimated.
"""

from typing import NamedTuple

MEASURED, ESTIMATED = "measured", "estimated"
BUDGET_WH = 10.0


class Machine(NamedTuple):
    """A computer known by its ratings; every figure that follows from them is an estimate."""

    gflops: float  # 10^9 operations a second at best; a multiply-accumulate is two
    efficiency: float  # share of it that whole networks of this kind reach
    gb_per_s: float  # memory bandwidth
    bytes_per_weight: int
    watts: float  # of the whole module under load
    source: str


_NANO = "gan-compression's 8 FPS at about 5 GMACs on a Nano is 16 % of the fp16 peak; module power is the power mode's"
MACHINES = {
    "jetson_nano_10w": Machine(471.6, 0.16, 25.6, 2, 10, f"fp16 at 921.6 MHz; {_NANO}"),
    "jetson_nano_5w": Machine(471.6 * 640 / 921.6, 0.16, 25.6, 2, 5, f"fp16 at the 640 MHz of the mode; {_NANO}"),
    "jetson_nano_10w_f32": Machine(235.8, 0.16, 25.6, 4, 10, f"fp32 at 921.6 MHz; {_NANO}, taken to hold for fp32"),
    "laptop_15w": Machine(
        *(190, 0.63, 15, 4, 15),
        "two AVX-512 cores: 190 GFLOP/s in convolutions, 15 GB/s in copies, full network 1154 ms; rated 15 W",
    ),
}


class Figure(NamedTuple):
    """A number, and whether it was measured or estimated."""

    value: float
    basis: str


def inferences(latency_s: float, power_w: float, budget_wh: float = BUDGET_WH) -> float:
    """Try-ons until the budget is spent, one after the other without a pause.

    >>> inferences(latency_s=0.5, power_w=5)
    14400.0
    """
    for name, value in (("latency_s", latency_s), ("power_w", power_w), ("budget_wh", budget_wh)):
        if not value > 0:
            raise ValueError(f"{name} (={value}) must be positive")
    return budget_wh * 3600 / (latency_s * power_w)


def machine(name: str) -> Machine:
    """A profile by its name."""
    if name not in MACHINES:
        raise ValueError(f"profile={name!r} is unknown; choose from {', '.join(MACHINES)}")
    return MACHINES[name]


def estimated_latency(on: Machine, gmacs: float, params_m: float, traffic_mb: float = 0.0) -> float:
    """Seconds by the roofline: the longer of computing and of moving bytes, at least those of all weights.

    The start of operations is not counted, so the estimate is too good for networks under about 1 GMAC.

    Args:
        gmacs: 10^9 multiply-accumulates of one inference.
        params_m: 10^6 weights.
        traffic_mb: 10^6 bytes of activations written and read, where known.
    """
    moved = params_m * on.bytes_per_weight / 1e3 + traffic_mb / 1e3
    return max(2 * gmacs / (on.gflops * on.efficiency), moved / on.gb_per_s)
