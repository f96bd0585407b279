"""The runtimes that could serve a network, each with its file on disk, and f32 on the same runtime to compare with."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import onnx
import openvino
import torch
from torch import nn

from vtryon.deploy.runtime.onnx_graph import onnx_graph
from vtryon.deploy.runtime.onnx_runtime import OnnxRuntime
from vtryon.deploy.runtime.openvino_graph import openvino_graph
from vtryon.deploy.runtime.openvino_runtime import OpenVINORuntime, OpenVINOTryOnNet
from vtryon.models.checkpoint import save_net
from vtryon.models.quantized.dequantized import dequantized
from vtryon.models.quantized.network import Int8TryOnNet, storage_type
from vtryon.models.tryon import TryOnNet
from vtryon.utils.atomic import atomic_write
from vtryon.utils.latency import interleaved

Call = Callable  # (person, cloth, cloth_edge) -> a tuple with image and flow


class DeployedRuntime(NamedTuple):
    """A runtime that is ready."""

    run: Call  # any number of pictures up to the batch
    run_one: Call
    run_one_f32: Call | None  # the same network in f32 on this runtime; None where that is `run_one`
    mib: float  # of the weights' file
    convolutions: Mapping[str, int]  # how many compute in which type, as the runtime reports


def deploy_all(net: nn.Module, size: tuple[int, int], batch: int, folder: Path) -> dict[str, DeployedRuntime]:
    """torch, ONNX Runtime and OpenVINO for a torch network, OpenVINO alone for an `OpenVINOTryOnNet`.

    Args:
        net: float or int8; weights of two bytes are OpenVINO's to keep (fp16) or to compute in (bf16).
        size: (height, width).
        batch: pictures at once.
        folder: where the files of the runtimes are written.

    Raises:
        ValueError: the network is int8, and a runtime computes none of its convolutions so.
    """
    if isinstance(net, OpenVINOTryOnNet):
        runtimes = {"openvino": _openvino(net.model, net.precision, net.float_net[0], size, batch, folder)}
        _raise_unless_int8(runtimes)
    elif isinstance(net, Int8TryOnNet):
        f32 = dequantized(net, rounding=False)
        runtimes = {"torch": _torch(net, f32, folder), "onnx": _onnx(net, f32, size, folder)}
        runtimes["openvino"] = _openvino(openvino_graph(net, size, batch=None), "int8", f32, size, batch, folder)
        _raise_unless_int8(runtimes)
    else:
        net, narrow = copy.deepcopy(net).cpu(), storage_type(net)  # runtimes are compared on the CPU
        model, precision = openvino_graph(net, size, batch=None), "bf16" if narrow == torch.bfloat16 else "f32"
        runtimes = {"torch": _torch(net, None, folder)} | ({} if narrow else {"onnx": _onnx(net, None, size, folder)})
        half = narrow == torch.float16
        runtimes["openvino"] = _openvino(model, precision, net if narrow else None, size, batch, folder, half)
    return runtimes


def latency_of(runtime: DeployedRuntime, size: tuple[int, int]) -> dict[str, float]:
    """Milliseconds of one try-on, median and minimum, beside those of f32; `times_faster` compares minima."""
    person, cloth = torch.rand(2, 1, 3, *size) * 2 - 1
    edge = torch.ones(1, 1, *size)
    calls = {"own": runtime.run_one}
    if runtime.run_one_f32 is not None:
        calls["f32"] = runtime.run_one_f32
    with torch.inference_mode():
        runs = {name: lambda call=call: call(person, cloth, edge) for name, call in calls.items()}
        times = interleaved(runs, warmup=2)
    runtime_latency = times["own"]
    row = {"median_ms": runtime_latency.median_ms, "min_ms": runtime_latency.min_ms}
    if "f32" in times:
        row |= {"f32_median_ms": times["f32"].median_ms, "f32_min_ms": times["f32"].min_ms}
        row["times_faster"] = times["f32"].min_ms / runtime_latency.min_ms
    return row


def _torch(net: TryOnNet, f32: TryOnNet | None, folder: Path) -> DeployedRuntime:
    save_net(net, folder / "torch.safetensors")
    count = sum(isinstance(layer, nn.Conv2d) for layer in net.modules())
    counts = {"int8": net.int8_convolutions(), "f32": count} if isinstance(net, Int8TryOnNet) else {"f32": count}
    return DeployedRuntime(net, net, f32, _mib(folder / "torch.safetensors"), counts)


def _onnx(net: TryOnNet, f32: TryOnNet | None, size: tuple[int, int], folder: Path) -> DeployedRuntime:
    model = onnx_graph(net, size, batch=None)
    with atomic_write(folder / "onnx.onnx") as temporary:
        onnx.save(model, temporary)
    runtime = OnnxRuntime(model)
    runtime_f32 = None if f32 is None else OnnxRuntime(onnx_graph(f32, size, batch=None))
    return DeployedRuntime(runtime, runtime, runtime_f32, _mib(folder / "onnx.onnx"), runtime.convolutions())


def _openvino(
    model: openvino.Model,
    precision: str,
    f32: TryOnNet | None,
    size: tuple[int, int],
    batch: int,
    folder: Path,
    half: bool = False,
) -> DeployedRuntime:
    openvino.save_model(model, folder / "openvino.xml", compress_to_fp16=half)
    run, run_one = (OpenVINORuntime(model.clone(), precision, size, count) for count in (batch, 1))
    run_f32 = None if f32 is None else OpenVINORuntime(openvino_graph(f32, size, batch=1), "f32", size, 1)
    return DeployedRuntime(run, run_one, run_f32, _mib(folder / "openvino.bin"), run_one.convolutions())


def _raise_unless_int8(runtimes: Mapping[str, DeployedRuntime]) -> None:
    for name, runtime in runtimes.items():
        if not runtime.convolutions.get("int8"):
            raise ValueError(
                f"{name} runs no convolution of this int8 network in int8 here ({dict(runtime.convolutions)}): this "
                "CPU or this build lacks the kernels; take another runtime, or deploy the float network"
            )


def _mib(path: Path) -> float:
    return path.stat().st_size / 2**20
