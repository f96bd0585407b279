"""The pairs on which int8 is calibrated and judged: of the data that the network learnt from, where that is there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files.fingerprint import DRAWN_PEOPLE
from vtryon.data.sample import collate, finish, worn_otherwise
from vtryon.data.viton import Record, VitonSet
from vtryon.deploy.export.pairs import CALIBRATION, JUDGED, Judged, Pair, drawn_judged, drawn_pairs
from vtryon.models.tryon import TryOnNet
from vtryon.utils.home import with_home

NOT_READ = ("_target_", "root", "size", "batch_size", "workers", "val_size", "seen_size", "seed")  # of a run's data
NAME_IT = "photos may lose more: name the data with --calibrate ROOT"


class KnownPairs(NamedTuple):
    """Pairs to learn the ranges of features from, and others to judge by."""

    calibration: Sequence[Pair]
    judged: Judged


def known_pairs(
    net: TryOnNet, size: tuple[int, int], run: Path | None = None, folder: Path | None = None
) -> KnownPairs:
    """Pairs of `folder`, else of the one that the run names as its data, else procedural ones.

    Args:
        size: (height, width) of the pictures.
        run: folder of the run that trained the network; its config names data, lists and how masks are made.

    Returns:
        Also, in words, where the pairs are from and whether the network learnt from that data.

    Raises:
        DataError: a file of the folder is broken.
    """
    settings = _data_of(run)
    root = folder or settings.get("root")
    if isinstance(root, str | Path) and with_home(root).is_dir():
        run_settings = settings if folder is None else {}
        return _of_folder(net, size, with_home(root), {k: v for k, v in run_settings.items() if k not in NOT_READ})
    if folder is not None:
        raise FileNotFoundError(f"{folder}: no such folder; --calibrate wants one with photos and garments")
    drawn = drawn_pairs(size, JUDGED + CALIBRATION)[JUDGED:]
    return KnownPairs(drawn, drawn_judged(size, JUDGED, _not_there(net, root)))


def _of_folder(net: TryOnNet, size: tuple[int, int], root: Path, settings: dict[str, Any]) -> KnownPairs:
    data = VitonDataModule(root, size, batch_size=1, val_size=0, **settings)
    has_training, has_test = ((root / split.person).is_dir() for split in (data.layout.train, data.layout.test))
    if has_training:
        data.setup("fit")
    if has_test:
        data.setup("test")
    learnt, test = data.train_set, data.test_sets[0] if has_test else None
    calibration, judged = learnt or test, test or learnt
    if calibration is None or judged is None:
        raise FileNotFoundError(f"{root}: holds neither training photos nor test photos to calibrate int8 with")
    calibration_indices = _spread(len(calibration), CALIBRATION + (JUDGED if calibration is judged else 0))
    if calibration is judged:  # of one set: every fifth is judged by, the others are learnt from
        judged_indices = calibration_indices[::5]
        calibration_indices = [index for index in calibration_indices if index not in judged_indices] or judged_indices
    else:
        judged_indices = _spread(len(judged), JUDGED)
    if net.trained_on is None:
        relation = "the network's file does not tell what it was trained on"
    elif net.trained_on.get("fingerprint") == data.fingerprint():
        relation = "the data that the network was trained on"
    else:
        relation = f"not the data that the network was trained on, {net.trained_on.get('name')}"
    names = [_name(judged.records[index], of_test=judged is test) for index in judged_indices]
    judged_pairs = Judged(_pairs(judged, judged_indices), names, f"{root} ({relation})")
    return KnownPairs(_pairs(calibration, calibration_indices), judged_pairs)


def _name(record: Record, of_test: bool) -> str:
    return f"{record.person_id} in {record.cloth_id if of_test else 'another garment'}"


def _pairs(samples: VitonSet, chosen: Sequence[int]) -> list[Pair]:
    return [worn_otherwise(finish(collate([samples[index]]))) for index in chosen]


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of 0..count-1, evenly apart."""
    return [int(index) for index in np.linspace(0, count - 1, min(most, count)).round()]


def _data_of(run: Path | None) -> dict[str, Any]:
    """The data in the config of a run's folder; empty where there is none."""
    try:
        data = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["data"] if run else {}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return {}
    return data if isinstance(data, dict) else {}


def _not_there(net: TryOnNet, root: Any) -> str:
    """Why procedural pictures stand in for data."""
    name = (net.trained_on or {}).get("name")
    if name == DRAWN_PEOPLE:
        return "procedural pictures, such as the network was trained on"
    if isinstance(root, str):
        return f"procedural pictures, as {root}, which the network was trained on, is not there; {NAME_IT}"
    learnt_from = name or "data that its file does not tell"
    return f"procedural pictures, and the network was trained on {learnt_from}; {NAME_IT}"
