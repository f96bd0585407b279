"""Figures F1 to F4: the loss of the generator's try-on when blocks are masked, one by one and together.

The warp runs once, and of the generator only what follows the first masked block runs again.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from vtryon.compression.sensitivity.masking import CHOICES, KINDS, masked
from vtryon.compression.sensitivity.pairs import Pairs, first_pairs
from vtryon.compression.sensitivity.resumable_csv import FILE, ResumableCsv, progress
from vtryon.metrics.image_similarity import image_similarity
from vtryon.metrics.realism import frechet_distance
from vtryon.models.features.efficientnet import EfficientNetLite0Pooled
from vtryon.models.flow import sample
from vtryon.models.tryon import TryOnNet, compose
from vtryon.utils.atomic import atomic_write
from vtryon.utils.image import to_uint8

KEY = ("kind", "choice", "block", "share")
VALUES = ("zeros", "mse", "ssim", "fd_efficientnet")


class Setting(NamedTuple):
    """Which weights are masked."""

    kind: str
    choice: str
    block: str  # "encoder 1" (outermost) ..., "decoder 1" (outermost) ..., "encoders", "decoders"
    share: float


class BlockSensitivity:
    """Mask each block at each share, and compare the try-on with the unpruned one.

    Rows of RUN/sensitivity.csv: what was masked; `zeros`, the share of the block's weights that really are zero; mean
    MSE (8-bit) and SSIM over the pairs, and the Fréchet distance on EfficientNet-Lite0 features of the two sets of
    try-ons. RUN/blocks/ keeps the first pair's pictures.

    Args:
        pairs: how many test pairs, at most.
        split: of the test.
        shares: sparsities, 0 to 1.
        kinds: "structured" (whole filters) and "unstructured" (single weights).
        choices: which go: by "magnitude" or at "random".
        batch: pairs at once.
    """

    def __init__(
        self,
        pairs: int = 16,
        split: str = "unpaired",
        shares: Sequence[float] = (0.0, 0.1, 0.33, 0.66, 1.0),
        kinds: Sequence[str] = KINDS,
        choices: Sequence[str] = CHOICES,
        batch: int = 8,
    ):
        for name, values, allowed in (("kinds", kinds, KINDS), ("choices", choices, CHOICES)):
            if not set(values) <= set(allowed):
                raise ValueError(f"{name} (={list(values)}) must be of {', '.join(allowed)}")
        self.pairs, self.split, self.batch = pairs, split, batch
        self.shares, self.kinds, self.choices = shares, kinds, choices

    @torch.inference_mode()
    def __call__(self, net: TryOnNet, data: pl.LightningDataModule, folder: Path, seed: int = 0) -> dict[str, Any]:
        """Measure what RUN/sensitivity.csv lacks; returns what the run's row says of it."""
        pairs, table = first_pairs(data, self.pairs, self.split), ResumableCsv(folder / FILE, KEY, VALUES)
        generator = _MaskedGenerator(net.eval(), pairs, self.batch)
        features = EfficientNetLite0Pooled()
        unpruned = to_uint8(generator.images(0))
        reference = _features(features, unpruned)
        settings = [
            Setting(*combination) for combination in product(self.kinds, self.choices, generator.names, self.shares)
        ]
        due = [setting for setting in settings if not table.holds(setting._asdict())]
        with progress("blocks", len(settings), len(settings) - len(due)) as advance:
            for setting in due:
                zeros, images = generator.masked_try_ons(setting, seed)
                similarity = image_similarity(images, unpruned)
                distance = frechet_distance(_features(features, images), reference) if len(pairs) > 1 else float("nan")
                _save_picture(images[0], folder, setting)
                scores = {
                    "mse": float(similarity.mse.mean()),
                    "ssim": float(similarity.ssim.mean()),
                    "fd_efficientnet": distance,
                }
                table.add([setting._asdict() | {"zeros": zeros} | scores])
                advance()
        return {
            "kind": "blocks",
            "pairs": len(pairs),
            "split": self.split,
            "blocks": generator.names,
            "rows": len(settings),
        }


class _MaskedGenerator:
    """The generator on the pairs, with the outputs of each of its blocks before anything was masked."""

    def __init__(self, net: TryOnNet, pairs: Pairs, batch: int):
        self.net, self.batches = net, []
        down, up = net.generator.blocks()
        self.row = [*down, *reversed(up)]  # in the order in which they work
        path = {id(layer): name for name, layer in net.named_modules()}
        self.convs: dict[str, dict[str, nn.Conv2d]] = {}
        for direction, blocks in (("encoder", down), ("decoder", up)):
            for number, block in enumerate(blocks, 1):
                convs = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]
                self.convs[f"{direction} {number}"] = {path[id(conv)]: conv for conv in convs}
        self.first = {f"encoder {k + 1}": k for k in range(len(down))}
        self.first |= {f"decoder {k + 1}": len(self.row) - 1 - k for k in range(len(up))}
        for direction in ("encoder", "decoder"):
            blocks_of_direction = [name for name in self.first if name.startswith(direction)]
            self.convs[f"{direction}s"] = {}
            for block in blocks_of_direction:
                self.convs[f"{direction}s"] |= self.convs[block]
            self.first[f"{direction}s"] = min(self.first[block] for block in blocks_of_direction)
        self.names = list(self.convs)
        for batch_start in range(0, len(pairs), batch):
            chosen = (
                pictures[batch_start : batch_start + batch]
                for pictures in (pairs.person, pairs.cloth, pairs.cloth_edge)
            )
            self.batches.append(self._cache_pairs(*chosen))

    def masked_try_ons(self, setting: Setting, seed: int) -> tuple[float, Tensor]:
        """The share of zeros, and the try-ons (n, 3, h, w) as 8-bit pictures."""
        convs = self.convs[setting.block]
        with masked(convs, setting.share, setting.kind, setting.choice, seed) as zeros:
            return zeros, to_uint8(self.images(self.first[setting.block]))

    def images(self, first_block: int) -> Float[Tensor, "n 3 h w"]:
        """The try-ons, the outputs of all blocks before `first_block` being cached."""
        return torch.cat(
            [
                compose(warp, edge, list(self._run(inputs, outs[:first_block]))[-1], inputs[:, :3]).image
                for warp, edge, inputs, outs in self.batches
            ]
        )

    def _cache_pairs(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> tuple:
        warp = self.net.warp(person, cloth * cloth_edge)
        edge = sample(cloth_edge, warp.flow, padding="zeros")
        inputs = torch.cat([person, warp.cloth, edge], dim=1)
        return warp, edge, inputs, list(self._run(inputs, []))

    def _run(self, inputs: Tensor, done: list[Tensor]) -> Iterator[Tensor]:
        """The outputs of the blocks in order; `done` are those of the first blocks."""
        outs, depth = list(done), len(self.row) // 2
        yield from outs
        for index in range(len(outs), len(self.row)):
            block_input = outs[-1] if outs else inputs
            if index > depth:  # on the way up, beside what the way down gave out
                block_input = torch.cat([outs[2 * depth - 1 - index], block_input], dim=1)
            outs.append(self.row[index](block_input))
            yield outs[-1]


def _features(network: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([network(batch) for batch in images.split(16)])


def _save_picture(image: Tensor, folder: Path, setting: Setting) -> None:
    file = folder / "blocks" / f"{setting.kind}-{setting.choice}" / setting.block / f"{setting.share:g}.png"
    with atomic_write(file) as temporary:
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(temporary)
