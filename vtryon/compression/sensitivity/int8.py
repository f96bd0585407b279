"""What each block of a network loses as int8, alone and untrained: it is measured what has to stay float."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.ao.nn import quantized as int8

from vtryon.compression.quantization_blocks import alone_in_int8, blocks_of
from vtryon.compression.sensitivity.pairs import Pairs, first_pairs
from vtryon.compression.sensitivity.resumable_csv import FILE, ResumableCsv, progress
from vtryon.data.sample import finish
from vtryon.metrics.flow import end_point_error
from vtryon.metrics.image_similarity import image_similarity
from vtryon.models.quantized.network import raise_without_kernels
from vtryon.models.tryon import TryOn, TryOnNet
from vtryon.utils.image import to_uint8

KEY, VALUES = ("block",), ("convolutions", "mse", "ssim", "epe")


class Int8Sensitivity:
    """Quantize one block at a time, and compare the try-on with the float one.

    Rows of RUN/sensitivity.csv: the block, how many of its convolutions ran in int8, and over the pairs the mean MSE
    (8-bit), SSIM, and the end-point error of the flow in pixels, all to the float network's answer.

    Args:
        pairs: how many test pairs, at most.
        split: of the test.
        calibration: training batches from which ranges are learnt.
        batch: pairs at once.
    """

    def __init__(self, pairs: int = 16, split: str = "unpaired", calibration: int = 8, batch: int = 8):
        if calibration < 1:
            raise ValueError(f"calibration (={calibration}): ranges are learnt from at least 1 batch; take 8 or so")
        self.pairs, self.split, self.calibration, self.batch = pairs, split, calibration, batch

    @torch.no_grad()
    def __call__(self, net: TryOnNet, data: pl.LightningDataModule, folder: Path, seed: int = 0) -> dict[str, Any]:
        """Measure what RUN/sensitivity.csv lacks; returns what the run's row says of it."""
        raise_without_kernels()
        net = net.cpu().eval()
        pairs, table = first_pairs(data, self.pairs, self.split), ResumableCsv(folder / FILE, KEY, VALUES)
        shown, usual, blocks = self._shown(data), self._answers(net, pairs), blocks_of(net)
        due = [name for name in blocks if not table.holds({"block": name})]
        with progress("blocks", len(blocks), len(blocks) - len(due)) as advance:
            for name in due:
                quantized = alone_in_int8(net, blocks[name], shown)
                table.add([{"block": name, "convolutions": _count(quantized)} | self._far(quantized, pairs, usual)])
                advance()
        return {"kind": "int8", "pairs": len(pairs), "split": self.split, "blocks": list(blocks)}

    def _shown(self, data: pl.LightningDataModule) -> list[tuple[Tensor, ...]]:
        data.setup("fit")
        batches = [finish(raw) for raw in islice(data.train_dataloader(), self.calibration)]
        return [(batch.person, batch.cloth, batch.cloth_edge) for batch in batches]

    def _answers(self, net: nn.Module, pairs: Pairs) -> list[TryOn]:
        return [net(*batch) for batch in self._batches(pairs)]

    def _batches(self, pairs: Pairs) -> Iterator[tuple[Tensor, ...]]:
        yield from zip(
            *(pictures.split(self.batch) for pictures in (pairs.person, pairs.cloth, pairs.cloth_edge)), strict=True
        )

    def _far(self, net: nn.Module, pairs: Pairs, usual: list[TryOn]) -> dict[str, float]:
        try_ons = self._answers(net, pairs)
        near = [image_similarity(to_uint8(a.image), to_uint8(b.image)) for a, b in zip(try_ons, usual, strict=True)]
        off = [end_point_error(a.flow, b.flow).pixels for a, b in zip(try_ons, usual, strict=True)]
        return {
            "mse": float(torch.cat([similarity.mse for similarity in near]).mean()),
            "ssim": float(torch.cat([similarity.ssim for similarity in near]).mean()),
            "epe": float(torch.cat(off).mean()),
        }


def _count(net: nn.Module) -> int:
    return sum(isinstance(layer, int8.Conv2d) for layer in net.modules())
