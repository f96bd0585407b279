"""Post-training quantisation by NNCF: an OpenVINO model learns int8 ranges from pairs, and nothing is trained.

With an accuracy budget, NNCF ranks what it quantised by what that costs, and takes the worst back until the budget
holds.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from types import ModuleType
from typing import NamedTuple

import openvino
from torch import Tensor

from vtryon.deploy.openvino_core import apart
from vtryon.deploy.parity import Pair
from vtryon.deploy.pictures import INPUTS

ROOT = "__module.net"  # of the network, in the names that its trace gives to operations
GLUE = ("", "warp.aflow_net")  # composition, and flow arithmetic between the heads


class Budget(NamedTuple):
    """How much worse a quantised model may be."""

    judge: Callable[[Callable, Iterable], tuple[float, list[float]]]  # (model, some items) → mean and single scores
    items: Sequence  # what it is judged on: person, cloth and cloth_edge, and whatever else `judge` reads
    fall: float  # the largest fall of the mean score, of which more is better
    rounds: int  # at most so many operations are taken back


def quantise(
    model: openvino.Model,
    pairs: Sequence[Pair],
    keep_float: Iterable[str] = GLUE,
    per_channel: bool = True,
    symmetric: bool = False,
    budget: Budget | None = None,
) -> openvino.Model:
    """The model with int8 weights and activations.

    Args:
        model: of `openvino_graph`, for any number of pictures.
        pairs: from which ranges are learnt.
        keep_float: patterns of modules whose operations stay as they are; "" is the network's own.
        per_channel: a scale for each output channel of a weight, or one for all.
        symmetric: activations around zero, or from their least to their largest.

    Raises:
        ValueError: there is no pair, or a pattern matches nothing.
        ImportError: NNCF is not installed.
    """
    if not pairs:
        raise ValueError("calibration (=0): the ranges of activations are learnt from pairs; take 64 or so")
    nncf, kept = toolkit(), _names(model, keep_float)
    options = {
        "subset_size": len(pairs),
        "preset": nncf.QuantizationPreset.PERFORMANCE if symmetric else nncf.QuantizationPreset.MIXED,
        "ignored_scope": nncf.IgnoredScope(names=kept) if kept else None,
        "advanced_parameters": nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE,  # halves the range of weights, as `nn.quantised.WEIGHTS`
            weights_quantization_params=nncf.quantization.advanced_parameters.QuantizationParameters(
                per_channel=per_channel
            ),
        ),
    }
    shown = nncf.Dataset(pairs, inputs)
    if budget is None:
        return apart(partial(nncf.quantize, model, shown, **options))
    return apart(partial(_within, nncf, model, shown, budget, options))


def _within(nncf: ModuleType, model: openvino.Model, shown, budget: Budget, options: dict) -> openvino.Model:
    parameters = options.pop("advanced_parameters")
    return nncf.quantize_with_accuracy_control(
        model,
        shown,
        nncf.Dataset(budget.items, inputs),
        lambda compiled, items: budget.judge(lambda *pictures: compiled([each.numpy() for each in pictures]), items),
        max_drop=budget.fall,
        drop_type=nncf.DropType.ABSOLUTE,
        advanced_quantization_parameters=parameters,
        advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
            max_num_iterations=budget.rounds, ranking_subset_size=len(budget.items)
        ),
        **options,
    )


def inputs(pair: Sequence[Tensor]) -> dict:
    """A pair as a graph is fed with it."""
    return dict(zip(INPUTS, (each.numpy() for each in pair[: len(INPUTS)]), strict=True))


def _names(model: openvino.Model, patterns: Iterable[str]) -> list[str]:
    operations = {op.get_friendly_name(): _module(op.get_friendly_name()) for op in model.get_ordered_ops()}
    found: list[str] = []
    for pattern in patterns:
        inside = [name for name, module in operations.items() if module is not None and fnmatchcase(module, pattern)]
        if not inside:
            raise ValueError(f"keep_float names {pattern!r}, which matches no operation of this network")
        found += inside
    return found


def _module(operation: str) -> str | None:
    """ "__module.net.warp.aflow_net/aten::add/Add" belongs to "warp.aflow_net"; constants to nobody."""
    module, _, rest = operation.partition("/")
    return module[len(ROOT) :].lstrip(".") if rest and module.startswith(ROOT) else None


def toolkit() -> ModuleType:
    """NNCF, imported when it is used."""
    os.environ.setdefault("NNCF_EXTENSION_LOAD_TIMEOUT", "0")  # else a lock left by a killed process is waited for
    try:
        import nncf
    except ImportError as error:
        raise ImportError(f'{error}; post-training quantisation needs NNCF: pip install "vtryon[deploy]"') from error
    nncf.set_log_level("ERROR")
    return nncf
