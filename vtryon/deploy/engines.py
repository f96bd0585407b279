"""The runtimes that could serve a network, each with its file on disk and the f32 of the same runtime beside it."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import onnx
import openvino
import torch
from torch import nn

from vtryon.deploy.benchmark import interleaved
from vtryon.deploy.on_openvino import OnOpenVINO
from vtryon.deploy.onnx_graph import onnx_graph
from vtryon.deploy.openvino_graph import openvino_graph
from vtryon.deploy.runtime_onnx import OnnxRuntime
from vtryon.deploy.runtime_openvino import OpenVINORuntime
from vtryon.nn.atomic import atomic_write
from vtryon.nn.checkpoint import save_net
from vtryon.nn.quantised import Int8TryOnNet, storage_of
from vtryon.nn.quantised_floats import in_floats
from vtryon.nn.tryon import TryOnNet

Ask = Callable  # (person, cloth, cloth_edge) -> an answer with image and flow


class Engine(NamedTuple):
    """A runtime that is ready."""

    ask: Ask  # of any number of pictures up to the batch
    one: Ask  # of one
    f32: Ask | None  # the same runtime on the same network in f32, of one; None where that is `one`
    mib: float  # of the weights' file
    convolutions: Mapping[str, int]  # how many compute in which type, as the runtime says


def engines(net: nn.Module, size: tuple[int, int], batch: int, folder: Path) -> dict[str, Engine]:
    """torch, ONNX Runtime and OpenVINO for a network of ours, OpenVINO alone for one that lives there.

    Args:
        net: float or int8; weights of two bytes are OpenVINO's to keep (fp16) or to compute in (bf16).
        size: (height, width).
        batch: pictures at once.
        folder: where the files go that the runtimes would be given.

    Raises:
        ValueError: the network is int8, and a runtime computes none of its convolutions so.
    """
    if isinstance(net, OnOpenVINO):
        found = {"openvino": _openvino(net.model, net.precision, net.made_of[0], size, batch, folder)}
        _raise_unless_int8(found)
    elif isinstance(net, Int8TryOnNet):
        plain = in_floats(net, rounds=False)
        found = {"torch": _torch(net, plain, folder), "onnx": _onnx(net, plain, size, folder)}
        found["openvino"] = _openvino(openvino_graph(net, size, batch=None), "int8", plain, size, batch, folder)
        _raise_unless_int8(found)
    else:
        net, narrow = copy.deepcopy(net).cpu(), storage_of(net)  # runtimes are compared on the CPU
        model, precision = openvino_graph(net, size, batch=None), "bf16" if narrow == torch.bfloat16 else "f32"
        found = {"torch": _torch(net, None, folder)} | ({} if narrow else {"onnx": _onnx(net, None, size, folder)})
        half = narrow == torch.float16
        found["openvino"] = _openvino(model, precision, net if narrow else None, size, batch, folder, half)
    return found


def latency_of(engine: Engine, size: tuple[int, int]) -> dict[str, float]:
    """Of one try-on, in ms: median and minimum, the f32's of the same runtime, and how many times faster (minima)."""
    person, cloth = torch.rand(2, 1, 3, *size) * 2 - 1
    edge = torch.ones(1, 1, *size)
    both = {"own": engine.one, "f32": engine.f32} if engine.f32 is not None else {"own": engine.one}
    with torch.inference_mode():
        times = interleaved({name: lambda ask=ask: ask(person, cloth, edge) for name, ask in both.items()}, warmup=2)
    own = times["own"]
    row = {"median_ms": own.median_ms, "min_ms": own.min_ms}
    if "f32" in times:
        row |= {"f32_median_ms": times["f32"].median_ms, "f32_min_ms": times["f32"].min_ms}
        row["times_faster"] = times["f32"].min_ms / own.min_ms
    return row


def _torch(net: TryOnNet, plain: TryOnNet | None, folder: Path) -> Engine:
    save_net(net, folder / "torch.safetensors")
    count = sum(isinstance(layer, nn.Conv2d) for layer in net.modules())
    counts = {"int8": net.int8_convolutions(), "f32": count} if isinstance(net, Int8TryOnNet) else {"f32": count}
    return Engine(net, net, plain, _mib(folder / "torch.safetensors"), counts)


def _onnx(net: TryOnNet, plain: TryOnNet | None, size: tuple[int, int], folder: Path) -> Engine:
    model = onnx_graph(net, size, batch=None)
    with atomic_write(folder / "onnx.onnx") as temporary:
        onnx.save(model, temporary)
    runtime = OnnxRuntime(model)
    f32 = None if plain is None else OnnxRuntime(onnx_graph(plain, size, batch=None))
    return Engine(runtime, runtime, f32, _mib(folder / "onnx.onnx"), runtime.convolutions())


def _openvino(
    model: openvino.Model,
    precision: str,
    plain: TryOnNet | None,
    size: tuple[int, int],
    batch: int,
    folder: Path,
    half: bool = False,
) -> Engine:
    openvino.save_model(model, folder / "openvino.xml", compress_to_fp16=half)
    ask, one = (OpenVINORuntime(model.clone(), precision, size, count) for count in (batch, 1))
    f32 = None if plain is None else OpenVINORuntime(openvino_graph(plain, size, batch=1), "f32", size, 1)
    return Engine(ask, one, f32, _mib(folder / "openvino.bin"), one.convolutions())


def _raise_unless_int8(found: Mapping[str, Engine]) -> None:
    for name, engine in found.items():
        if not engine.convolutions.get("int8"):
            raise ValueError(
                f"{name} runs no convolution of this int8 network in int8 here ({dict(engine.convolutions)}): this CPU "
                "or this build lacks the kernels; take another runtime, or deploy the float network"
            )


def _mib(path: Path) -> float:
    return path.stat().st_size / 2**20
