"""`vtryon bench train-step`: a step of stage 4 (student end to end) beside the released loop's work, in one run."""

import copy
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from jaxtyping import Float
from rich.progress import track
from rich.table import Table
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from vtryon.bench.released_baseline import PlainStep, prepare
from vtryon.bench.results import show
from vtryon.data.pose import boxes
from vtryon.data.sample import Raw, finish
from vtryon.losses.perceptual import VGG_WEIGHTS, Perceptual, by_vgg
from vtryon.losses.tryon import StudentLoss
from vtryon.models.afwm import AFWM
from vtryon.models.features.pretrained import WeightsNotFoundError
from vtryon.models.features.vgg import VGG19Taps, VGGLayers
from vtryon.models.frozen import Frozen
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.training.precision import resolved
from vtryon.training.student import Student


class StepInputs(NamedTuple):
    """The same samples for both steps."""

    raw: Raw
    keypoints: Float[np.ndarray, "b 18 2"]


def main(size: tuple[int, int] = (256, 192), batch: int = 4, rounds: int = 2, out: Path | None = None) -> int:
    """Time the steps in turn at full width, from uint8 samples in memory to updated weights.

    Ours is timed in float32 and, where the CPU multiplies bfloat16, as `trainer.precision=auto` then takes it.
    """
    torch.manual_seed(0)
    net = TryOnNet(AFWM(3), ResUnetGenerator(7))
    tutor = TutorNet(AFWM(45), ResUnetGenerator(8))
    features = _features()
    load = os.getloadavg()[0]
    seconds = measure(net, tutor, features, samples(batch, size), rounds)
    title = f"training step, stage 4, full width, batch {batch}, {size[0]}x{size[1]}"
    machine = f"{torch.get_num_threads()} threads; load {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    rows = [
        {"step": name, "best_s": min(times), "median_s": statistics.median(times), "rounds": len(times)}
        for name, times in seconds.items()
    ]
    return show([_table(seconds, title, f"perceptual loss: {features.name}\n{machine}")], rows, out)


def measure(net: TryOnNet, tutor: TutorNet, features: VGG19Taps, inputs: StepInputs, rounds: int) -> dict[str, list]:
    """Seconds of each step in each round, all steps in turn; the first round only warms up."""
    steps = {"vtryon": our_step(net, tutor, features)}
    if resolved("auto", "cpu") == "bf16-mixed":
        steps["vtryon, bf16"] = our_step(net, tutor, features, bf16=True)
    steps["plain loop"] = plain_step(net, tutor, features)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in track(range(rounds + 1), "rounds", transient=True):
        for name, step in steps.items():
            begin = time.perf_counter()
            step(inputs)
            if number:
                seconds[name].append(time.perf_counter() - begin)
    return seconds


def our_step(net: TryOnNet, tutor: TutorNet, features: VGG19Taps, bf16: bool = False) -> Callable[[StepInputs], float]:
    """A step as `vtryon run` takes it, in float32 or bf16, on copies of the networks; returns the loss."""
    adam = partial(torch.optim.Adam, lr=5e-5, betas=(0.5, 0.999))
    stage = student_stage(copy.deepcopy(net), copy.deepcopy(tutor), by_vgg(copy.deepcopy(features)), adam)
    (optimizer,), _ = stage.configure_optimizers()

    def loss(inputs: StepInputs) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return stage.terms(finish(inputs.raw))["total"]

    return lambda inputs: _update(partial(loss, inputs), [optimizer])


def student_stage(net: TryOnNet, tutor: TutorNet, perceptual: Perceptual, optimizer: Callable) -> Student:
    """Stage 4 in its first epoch, ready for single steps outside of a training."""
    stage = Student(net, tutor, StudentLoss(perceptual), optimizer).train()
    stage.trainer = pl.Trainer(max_epochs=100, accelerator="cpu", logger=False, enable_checkpointing=False)
    return stage


def plain_step(net: TryOnNet, tutor: TutorNet, features: VGG19Taps) -> Callable[[StepInputs], float]:
    """The released loop's step, on copies of the networks; returns the loss."""
    net = copy.deepcopy(net).train()
    step = PlainStep(net, copy.deepcopy(tutor), Perceptual(features, VGG_WEIGHTS))
    learning_rates = ((net.warp, 1e-5), (net.generator, 5e-5))
    optimizers = [
        torch.optim.Adam(subnetwork.parameters(), lr=rate, betas=(0.5, 0.999)) for subnetwork, rate in learning_rates
    ]
    return lambda inputs: _update(lambda: step(prepare(*inputs)), optimizers)


def _update(loss: Callable[[], torch.Tensor], optimizers: list[torch.optim.Optimizer]) -> float:
    value = loss()
    for optimizer in optimizers:
        optimizer.zero_grad()
    value.backward()
    for optimizer in optimizers:
        optimizer.step()
    return value.item()


def samples(batch: int, size: tuple[int, int], seed: int = 0) -> StepInputs:
    """Noise of the right kinds: how long a step takes does not depend on what is on the pictures."""
    r = np.random.RandomState(seed)
    keypoints = r.uniform(0, 1, (batch, 18, 2)) * (size[1], size[0])
    maps = {"cloth_edge": 256, "other_edge": 256, "parse": 14, "densepose": 25}
    coarse = {name: r.randint(0, top, (batch, size[0] // 8, size[1] // 8)) for name, top in maps.items()}
    fields = {name: value.repeat(8, 1).repeat(8, 2) for name, value in coarse.items()}
    fields |= {name: r.randint(0, 256, (batch, 3, *size)) for name in ("person", "cloth", "other_cloth")}
    tensors = {name: torch.from_numpy(value.astype(np.uint8)) for name, value in fields.items()}
    tensors["pose"] = torch.from_numpy(np.stack([boxes(points, size, size) for points in keypoints]))
    names = [str(i) for i in range(batch)]
    return StepInputs(Raw(person_id=names, cloth_id=names, worn=True, **tensors), keypoints)


def _features() -> VGG19Taps:
    try:
        return VGG19Taps()
    except WeightsNotFoundError:
        return RandomVGG19()


class RandomVGG19(VGG19Taps):
    """As much work as the real network, without its weights."""

    name = "VGG19 with random weights"

    def _build(self, *_) -> None:
        layers = make_layers(cfgs["E"], batch_norm=False)
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.frozen = Frozen(VGGLayers({f"features.{key}": value for key, value in layers.state_dict().items()}))


def _table(seconds: dict[str, list[float]], title: str, caption: str) -> Table:
    table = Table("step", "seconds, best", "seconds, median", title=title, caption=caption)
    for name, times in seconds.items():
        table.add_row(name, f"{min(times):.2f}", f"{statistics.median(times):.2f}")
    *ours, (plain_name, plain) = seconds.items()
    for name, times in ours:
        best, median = min(times) / min(plain), statistics.median(times) / statistics.median(plain)
        table.add_row(f"{name} / {plain_name}", f"{best:.2f}", f"{median:.2f}")
    return table
