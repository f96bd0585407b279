"""What the values of a config may be. The code would find out as well, but only after torch and the data are loaded."""

from collections.abc import Callable
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """A test of a value, and the sentence that says what passes it."""

    holds: Callable[[Any], bool]
    allowed: str


def _whole(least: int) -> Rule:
    return Rule(lambda v: _is_int(v) and v >= least, f"a whole number of at least {least}")


def _widths(count: int) -> Rule:
    def holds(value: Any) -> bool:
        return isinstance(value, list) and len(value) == count and all(_is_int(v) and v >= 1 for v in value)

    return Rule(
        holds,
        f"{count} whole numbers of at least 1, such as [{','.join(['8'] * count)}]",
    )


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_int(v) and v >= 32 and v % 32 == 0 for v in value)


def _is_root(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and Path(value).expanduser().is_dir())


POSITIVE = Rule(lambda v: _is_number(v) and v > 0, "a number above 0")
WEIGHT = Rule(lambda v: _is_number(v) and v >= 0, "a number of at least 0")
FILE = Rule(lambda v: isinstance(v, str) and Path(v).expanduser().is_file(), "a file that exists")

RULES: dict[str, Rule] = {
    "seed": _whole(0),
    "threads": _whole(1),
    "inception": FILE,
    "perceptual.path": FILE,
    "data.size": Rule(_is_size, "[height,width], both divisible by 32, such as [256,192]"),
    "data.train_pairs": FILE,
    "data.test_pairs": FILE,
    "data.test_pairs_same": FILE,
    "data.batch_size": _whole(1),
    "data.workers": _whole(0),
    "data.val_size": Rule(lambda v: _is_int(v) and (v == 0 or v >= 2), "0 or a whole number of at least 2"),
    "data.seen_size": Rule(lambda v: _is_int(v) and (v == 0 or v >= 2), "0 or a whole number of at least 2"),
    "data.on_bad": Rule(lambda v: v in ("stop", "skip"), "stop or skip"),
    "data.root": Rule(_is_root, "a folder that exists, holding VITON_traindata, VITON_test or both"),
    "data.root.train": _whole(4),
    "data.root.test": _whole(2),
    "data.root.seed": _whole(0),
    "model.warp.channels": _widths(5),
    "model.warp.fpn_channels": _whole(1),
    "model.warp.flow_channels": _widths(3),
    "model.generator.ngf": _whole(1),
    "compression.ratio": Rule(lambda v: _is_number(v) and 0 <= v < 1, "the share of channels that go, in [0, 1)"),
    "compression.max_ratio": Rule(lambda v: _is_number(v) and 0 < v <= 1, "a number in (0, 1]"),
    "compression.round_to": _whole(1),
    "compression.steps": _whole(1),
    "analysis.pairs": _whole(1),
    "analysis.batch": _whole(1),
    "analysis.calibration": _whole(1),
    "analysis.shares": Rule(lambda v: all(_is_number(s) and 0 <= s <= 1 for s in v), "a list of shares in [0, 1]"),
    "compression.starts": Rule(lambda v: _is_number(v) and 0 <= v < 1, "a share of the training, in [0, 1)"),
    "compression.calibration": _whole(1),
    "compression.freezes": Rule(lambda v: _is_number(v) and 0 <= v <= 1, "a share of the training, in [0, 1]"),
    "target.gmacs": POSITIVE,
    "target.mib": POSITIVE,
    "target.latency_ms": POSITIVE,
    "target.share": Rule(lambda v: _is_number(v) and 0 < v < 1, "the share of the network's own GMACs, in (0, 1)"),
    "optimizer.lr": POSITIVE,
    "training.loss.output": WEIGHT,
    "training.loss.mask": WEIGHT,
    "training.loss.ssim": WEIGHT,
    "training.loss.rendered": WEIGHT,
    "training.loss.perceptual_weight": WEIGHT,
    "training.loss.feature": WEIGHT,
    "training.loss.flow": WEIGHT,
    "trainer.max_epochs": _whole(1),
    "trainer.devices": Rule(
        lambda v: v in ("auto", -1) or (_is_int(v) and v >= 1) or isinstance(v, list),
        "auto, a count or a list",
    ),
    "tags": Rule(lambda v: isinstance(v, list), "a list, such as [mine]"),
}
