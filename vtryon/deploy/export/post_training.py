"""Post-training quantization by NNCF: an OpenVINO or ONNX graph learns int8 ranges from pairs, and nothing is trained.

With an accuracy budget, NNCF ranks the quantized operations by what they cost, and takes the worst back until the
budget holds.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import onnx
import openvino
from torch import Tensor

from vtryon.deploy.export.pairs import Pair
from vtryon.deploy.runtime.arrays import INPUTS
from vtryon.deploy.runtime.module_names import module_of, module_of_node
from vtryon.deploy.runtime.openvino_core import in_own_thread
from vtryon.models.quantized.policy import Int8Policy
from vtryon.models.tryon import TryOnNet

DEFAULT_POLICY = Int8Policy()


class Budget(NamedTuple):
    """How much worse a quantized model may be."""

    judge: Callable[[Callable, Iterable], tuple[float, list[float]]]  # (model, items) → mean and single scores
    items: Sequence  # person, cloth, cloth_edge, and whatever else `judge` reads
    fall: float  # the largest fall of the mean score, of which more is better
    rounds: int  # at most so many operations are taken back


def quantize_openvino(
    model: openvino.Model,
    net: TryOnNet,
    pairs: Sequence[Pair],
    policy: Int8Policy = DEFAULT_POLICY,
    budget: Budget | None = None,
    corrected: bool = True,
) -> openvino.Model:
    """The model with int8 weights and activations.

    Args:
        model: of `openvino_graph`, for any number of pictures.
        net: the float network that it was made of.
        pairs: from which ranges are learnt.
        policy: what becomes int8, and with which scales.
        budget: None quantizes all that the policy allows.
        corrected: shift each layer's output to where its float mean was; of no use where only time is measured.

    Raises:
        ValueError: there is no pair, or a pattern of the policy matches nothing.
        ImportError: NNCF is not installed.
    """
    nncf, options = _options(pairs, policy)
    options["advanced_parameters"].disable_bias_correction = not corrected
    modules = {operation.get_friendly_name(): module_of_node(operation) for operation in model.get_ordered_ops()}
    options["ignored_scope"] = nncf.IgnoredScope(names=_names_in(modules, policy.float_modules(net)))
    calibration = nncf.Dataset(pairs, graph_inputs)
    if budget is None:
        return in_own_thread(partial(nncf.quantize, model, calibration, **options))
    return in_own_thread(partial(_quantize_within, nncf, model, calibration, budget, options))


def quantize_onnx(
    model: onnx.ModelProto, net: TryOnNet, pairs: Sequence[Pair], policy: Int8Policy = DEFAULT_POLICY
) -> onnx.ModelProto:
    """The graph of `onnx_graph` with quantize and dequantize nodes, as ONNX Runtime reads it.

    Arguments and errors are those of `quantize_openvino`.
    """
    nncf, options = _options(pairs, policy)
    modules = {node.name: module_of(node.name) for node in model.graph.node}
    names = _names_in(modules, policy.float_modules(net))
    return nncf.quantize(
        model,
        nncf.Dataset(pairs, graph_inputs),
        ignored_scope=nncf.IgnoredScope(names=names, validate=False),  # NNCF leaves identities out of its graph
        **options,
    )


def graph_inputs(pair: Sequence[Tensor]) -> dict[str, Any]:
    """The arrays of a pair by the names of a graph's inputs."""
    return dict(zip(INPUTS, (tensor.numpy() for tensor in pair[: len(INPUTS)]), strict=True))


def require_nncf() -> ModuleType:
    """NNCF, imported when it is used."""
    os.environ.setdefault("NNCF_EXTENSION_LOAD_TIMEOUT", "0")  # else a lock left by a killed process is waited for
    try:
        import nncf
    except ImportError as error:
        raise ImportError(f'{error}; post-training quantization needs NNCF: pip install "vtryon[deploy]"') from error
    nncf.set_log_level("ERROR")
    return nncf


def _options(pairs: Sequence[Pair], policy: Int8Policy) -> tuple[ModuleType, dict[str, Any]]:
    """NNCF, and how it is to quantize."""
    if not pairs:
        raise ValueError("calibration (=0): the ranges of activations are learnt from pairs; take 64 or so")
    nncf = require_nncf()
    weights = nncf.quantization.advanced_parameters.QuantizationParameters(per_channel=policy.per_channel)
    return nncf, {
        "subset_size": len(pairs),
        "preset": nncf.QuantizationPreset.PERFORMANCE if policy.symmetric else nncf.QuantizationPreset.MIXED,
        "advanced_parameters": nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE,  # weights in the policy's WEIGHT_RANGE
            weights_quantization_params=weights,
        ),
    }


def _quantize_within(
    nncf: ModuleType, model: openvino.Model, calibration: Any, budget: Budget, options: dict[str, Any]
) -> openvino.Model:
    parameters = options.pop("advanced_parameters")
    return nncf.quantize_with_accuracy_control(
        model,
        calibration,
        nncf.Dataset(budget.items, graph_inputs),
        lambda compiled, items: budget.judge(lambda *pair: compiled([tensor.numpy() for tensor in pair]), items),
        max_drop=budget.fall,
        drop_type=nncf.DropType.ABSOLUTE,
        advanced_quantization_parameters=parameters,
        advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
            max_num_iterations=budget.rounds, ranking_subset_size=len(budget.items)
        ),
        **options,
    )


def _names_in(modules: Mapping[str, str | None], chosen: Collection[str]) -> list[str]:
    """Names of the operations whose module is one of `chosen`."""
    return [name for name, module in modules.items() if module in chosen]
