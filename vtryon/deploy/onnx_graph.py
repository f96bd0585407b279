"""A try-on network as a plain ONNX graph, traced, with everything constant computed.

Tried and dropped: the newer exporter of torch writes opset 18 at least, and what the converter makes of it for older
engines holds 64-bit index arithmetic.
"""

import tempfile
import warnings
from pathlib import Path

import onnx
import onnxruntime
import torch

from vtryon.deploy.pictures import ENGINE, INPUTS, OUTPUTS, Operations, exportable
from vtryon.nn.tryon import TryOnNet

OPSET = 17  # GridSample came with 16


def onnx_graph(
    net: TryOnNet,
    size: tuple[int, int],
    batch: int | None = 1,
    opset: int = OPSET,
    operations: Operations = ENGINE,
) -> onnx.ModelProto:
    """The graph for pictures of (height, width); `batch` None leaves their number open."""
    picture = torch.zeros(batch or 2, 3, *size)  # 2, because ones are folded away
    axes = {name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)} if batch is None else None
    with tempfile.TemporaryDirectory() as folder:
        traced, folded = Path(folder, "traced.onnx"), Path(folder, "folded.onnx")
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fixed shapes and of the exporter's age; the result is checked
            torch.onnx.export(
                exportable(net, operations),
                (picture, picture, picture[:, :1]),
                traced,
                input_names=INPUTS,
                output_names=OUTPUTS,
                dynamic_axes=axes,
                opset_version=opset,
                dynamo=False,
            )
        _fold(traced, folded)
        model = onnx.load(folded)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", opset))
    model.producer_name, model.producer_version = "vtryon", ""
    return model


def _fold(traced: Path, folded: Path) -> None:
    """Compute what is constant and put norms into their convolutions."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    onnxruntime.InferenceSession(str(traced), options, providers=["CPUExecutionProvider"])
