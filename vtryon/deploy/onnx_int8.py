"""Post-training quantisation of an exported ONNX graph to int8, by NNCF: QDQ, as ONNX Runtime reads it."""

from collections.abc import Sequence

import onnx

from vtryon.deploy.parity import Pair
from vtryon.deploy.ptq import inputs, toolkit

FLOAT = (r"aflow_net(?!.*netRefine\.\d\.0/)",)  # what stays float, as in `export_formats.FLOAT`


def quantise_onnx(model: onnx.ModelProto, pairs: Sequence[Pair], keep_float: Sequence[str] = FLOAT) -> onnx.ModelProto:
    """The graph with int8 convolutions: weights a scale per output channel, features a scale per tensor.

    Args:
        pairs: person, cloth, cloth_edge, from which the ranges of features are learnt.
        keep_float: regular expressions of what is in the names of operations that stay as they are.

    Raises:
        ValueError: there is no pair.
        ImportError: NNCF is not installed.
    """
    if not pairs:
        raise ValueError("calibration (=0): the ranges of activations are learnt from pairs; take 64 or so")
    nncf = toolkit()
    return nncf.quantize(
        model,
        nncf.Dataset(pairs, inputs),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(pairs),
        ignored_scope=nncf.IgnoredScope(patterns=[f".*{part}.*" for part in keep_float], validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE),  # as in `ptq`
    )
