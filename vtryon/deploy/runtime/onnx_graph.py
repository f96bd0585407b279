"""A try-on network as a plain ONNX graph, traced, with everything constant computed.

Tried and dropped: the newer exporter of torch writes at least opset 18, and the graph converted from it to an older
opset holds 64-bit index arithmetic.
"""

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import onnxruntime
import torch
from torch.onnx import TrainingMode

from vtryon.deploy.runtime.arrays import INPUTS, OUTPUTS
from vtryon.deploy.runtime.exportable import CPU_OVERRIDES, Operations, exportable
from vtryon.models.tryon import TryOnNet

OPSET = 17  # GridSample came with 16
NORMS = ("ConvBNFusion", "ConvMulFusion", "ConvAddFusion")  # of ONNX Runtime, into the weights of convolutions


def onnx_graph(
    net: TryOnNet,
    size: tuple[int, int],
    batch: int | None = 1,
    opset: int = OPSET,
    overrides: Operations = CPU_OVERRIDES,
    keep_norms: bool = False,
) -> onnx.ModelProto:
    """The graph for pictures of (height, width).

    Args:
        batch: None accepts any number of pictures.
        keep_norms: leave the weights of convolutions as the network has them, and their norms beside them.
    """
    picture = torch.zeros(batch or 2, 3, *size)  # 2, because a batch of 1 is folded away
    axes = {name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)} if batch is None else None
    with tempfile.TemporaryDirectory() as folder:
        traced, folded = Path(folder, "traced.onnx"), Path(folder, "folded.onnx")
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fixed shapes and of the exporter's age; the result is checked
            torch.onnx.export(
                exportable(net, overrides),
                (picture, picture, picture[:, :1]),
                traced,
                input_names=INPUTS,
                output_names=OUTPUTS,
                dynamic_axes=axes,
                opset_version=opset,
                training=TrainingMode.PRESERVE if keep_norms else TrainingMode.EVAL,  # EVAL folds norms
                dynamo=False,
            )
        _fold(traced, folded, NORMS if keep_norms else ())
        model = onnx.load(folded)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", opset))
    model.producer_name, model.producer_version = "vtryon", ""
    return model


def _fold(traced: Path, folded: Path, disabled: Sequence[str]) -> None:
    """Compute what is constant and put norms into their convolutions, but for the optimisations `disabled`."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    onnxruntime.InferenceSession(
        str(traced), options, providers=["CPUExecutionProvider"], disabled_optimizers=list(disabled)
    )
