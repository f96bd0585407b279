"""Training in numbers of two bytes (`trainer.precision`), and which precision "auto" is on the machine at hand."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from pytorch_lightning.plugins import MixedPrecision

MIXED = ("bf16-mixed", "16-mixed")


class MixedTraining(MixedPrecision):
    """Autocast in training steps alone: what is validated and tested is computed in float32.

    So a score depends on the weights and not on the precision that they were trained in. Unlike Lightning's own way,
    "16-mixed" is not replaced by "bf16-mixed" on a CPU.
    """

    @contextmanager
    def val_step_context(self) -> Iterator[None]:
        yield

    @contextmanager
    def test_step_context(self) -> Iterator[None]:
        yield

    @contextmanager
    def predict_step_context(self) -> Iterator[None]:
        yield


def resolved(precision: str, accelerator: str) -> str:
    """The precision to train in: `precision` itself, or the quickest one that learns as well where it is "auto".

    That is bfloat16 where the hardware multiplies it (CPUs with AMX or AVX512-BF16, GPUs since Ampere), else float32.

    Args:
        precision: of `trainer.precision`.
        accelerator: of `trainer.accelerator`, such as "auto", "cpu" or "gpu".
    """
    if precision != "auto":
        return precision
    kind = device_kind(accelerator)
    multiplies = {"cpu": _cpu_multiplies_bf16, "cuda": _gpu_multiplies_bf16}.get(kind, lambda: False)
    return "bf16-mixed" if multiplies() else "32-true"


def device_kind(accelerator: str) -> str:
    """Device type, such as "cpu" or "cuda", that Lightning takes for its `accelerator`."""
    device = None if accelerator == "cpu" else torch.accelerator.current_accelerator(check_available=True)
    return "cpu" if device is None else device.type


def _cpu_multiplies_bf16() -> bool:
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def _gpu_multiplies_bf16() -> bool:
    return torch.cuda.is_bf16_supported(including_emulation=False)
