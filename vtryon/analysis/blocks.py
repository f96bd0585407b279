"""Figures F1 to F4: what the generator's try-on loses when blocks of it fall silent, one by one and together.

The warp is never asked again, and of the generator only what follows the first silenced block.
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

from vtryon.analysis.kept import FILE, Kept, progress
from vtryon.analysis.pairs import Pairs, first_pairs
from vtryon.analysis.silence import CHOICES, KINDS, silenced
from vtryon.metrics.likeness import likeness
from vtryon.metrics.realism import frechet_distance
from vtryon.nn.atomic import atomic_write
from vtryon.nn.features.efficientnet import EfficientNetLite0Pooled
from vtryon.nn.flow import sample
from vtryon.nn.image import to_uint8
from vtryon.nn.tryon import TryOnNet, compose

KEY = ("kind", "choice", "block", "share")
VALUES = ("zeros", "mse", "ssim", "fd_efficientnet")


class Setting(NamedTuple):
    """What falls silent."""

    kind: str
    choice: str
    block: str  # "encoder 1" (outermost) ..., "decoder 1" (outermost) ..., "encoders", "decoders"
    share: float


class BlockSensitivity:
    """Silence each block at each share, and compare the try-on with the unpruned one.

    Rows of RUN/sensitivity.csv: what fell silent; `zeros`, the share of the block's weights that really are zero; mean
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
        for name, given, known in (("kinds", kinds, KINDS), ("choices", choices, CHOICES)):
            if not set(given) <= set(known):
                raise ValueError(f"{name} (={list(given)}) must be of {', '.join(known)}")
        self.pairs, self.split, self.batch = pairs, split, batch
        self.shares, self.kinds, self.choices = shares, kinds, choices

    @torch.inference_mode()
    def __call__(self, net: TryOnNet, data: pl.LightningDataModule, folder: Path, seed: int = 0) -> dict[str, Any]:
        """Measure what RUN/sensitivity.csv lacks; returns what the run's row says of it."""
        pairs, table = first_pairs(data, self.pairs, self.split), Kept(folder / FILE, KEY, VALUES)
        asked = _Asked(net.eval(), pairs, self.batch)
        features = EfficientNetLite0Pooled()
        usual = to_uint8(asked.images(0))
        reference = _features(features, usual)
        settings = [Setting(*each) for each in product(self.kinds, self.choices, asked.names, self.shares)]
        due = [setting for setting in settings if not table.holds(setting._asdict())]
        with progress("blocks", len(settings), len(settings) - len(due)) as advance:
            for setting in due:
                zeros, found = asked.silent(setting, seed)
                near = likeness(found, usual)
                distance = frechet_distance(_features(features, found), reference) if len(pairs) > 1 else float("nan")
                _keep_picture(found[0], folder, setting)
                scores = {"mse": float(near.mse.mean()), "ssim": float(near.ssim.mean()), "fd_efficientnet": distance}
                table.add([setting._asdict() | {"zeros": zeros} | scores])
                advance()
        return {
            "kind": "blocks",
            "pairs": len(pairs),
            "split": self.split,
            "blocks": asked.names,
            "rows": len(settings),
        }


class _Asked:
    """The generator on the pairs, and what each of its blocks gave out before anything was silenced."""

    def __init__(self, net: TryOnNet, pairs: Pairs, batch: int):
        self.net, self.batches = net, []
        down, up = net.generator.blocks()
        self.row = [*down, *reversed(up)]  # in the order in which they work
        path = {id(layer): name for name, layer in net.named_modules()}
        self.convs = {
            f"{way} {number}": {path[id(layer)]: layer for layer in block.modules() if isinstance(layer, nn.Conv2d)}
            for way, blocks in (("encoder", down), ("decoder", up))
            for number, block in enumerate(blocks, 1)
        }
        self.first = {f"encoder {k + 1}": k for k in range(len(down))}
        self.first |= {f"decoder {k + 1}": len(self.row) - 1 - k for k in range(len(up))}
        for way in ("encoder", "decoder"):
            own = [name for name in self.first if name.startswith(way)]
            self.convs[f"{way}s"] = {name: conv for block in own for name, conv in self.convs[block].items()}
            self.first[f"{way}s"] = min(self.first[block] for block in own)
        self.names = list(self.convs)
        for start in range(0, len(pairs), batch):
            chosen = (whole[start : start + batch] for whole in (pairs.person, pairs.cloth, pairs.cloth_edge))
            self.batches.append(self._remember(*chosen))

    def silent(self, setting: Setting, seed: int) -> tuple[float, Tensor]:
        """The share of zeros, and the try-ons (n, 3, h, w) as 8-bit pictures."""
        convs = self.convs[setting.block]
        with silenced(convs, setting.share, setting.kind, setting.choice, seed) as zeros:
            return zeros, to_uint8(self.images(self.first[setting.block]))

    def images(self, start: int) -> Float[Tensor, "n 3 h w"]:
        """The try-ons, all blocks before `start` being remembered."""
        return torch.cat(
            [
                compose(warp, edge, list(self._work(seen, outs[:start]))[-1]).image
                for warp, edge, seen, outs in self.batches
            ]
        )

    def _remember(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> tuple:
        warp = self.net.warp(person, cloth * cloth_edge)
        edge = sample(cloth_edge, warp.flow, padding="zeros")
        seen = torch.cat([person, warp.cloth, edge], dim=1)
        return warp, edge, seen, list(self._work(seen, []))

    def _work(self, seen: Tensor, done: list[Tensor]) -> Iterator[Tensor]:
        """What each block gives out, in order; `done` are those of the first blocks."""
        outs, depth = list(done), len(self.row) // 2
        yield from outs
        for place in range(len(outs), len(self.row)):
            before = outs[-1] if outs else seen
            if place > depth:  # on the way up, beside what the way down gave out
                before = torch.cat([outs[2 * depth - 1 - place], before], dim=1)
            outs.append(self.row[place](before))
            yield outs[-1]


def _features(network: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([network(part) for part in images.split(16)])


def _keep_picture(image: Tensor, folder: Path, setting: Setting) -> None:
    place = folder / "blocks" / f"{setting.kind}-{setting.choice}" / setting.block / f"{setting.share:g}.png"
    with atomic_write(place) as temporary:
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(temporary)
