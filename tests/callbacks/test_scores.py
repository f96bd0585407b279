import csv
import math

import pytest
import torch
from skimage.metrics import structural_similarity
from tiny_run import (
    LIGHTNING_WARNINGS,
    TinyData,
    TinyModule,
    answer,
    batch,
    loader,
    trainer,
)
from torch import nn

from vtryon.callbacks.samples import averages, judge, write_samples
from vtryon.callbacks.scores import Scores
from vtryon.callbacks.splits import split_of
from vtryon.nn.afwm import Warp
from vtryon.nn.flow import identity_grid
from vtryon.nn.image import to_uint8
from vtryon.nn.pretrained import WeightsNotFoundError

pytestmark = pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)


class MeanColour(nn.Module):
    """Stands for a feature network: three features, so that the test needs no pretrained one."""

    name, columns, weights_sha256, preprocessing = (
        "mean_colour",
        ("fd_colour", "kid_colour"),
        "0" * 64,
        "none",
    )

    def forward(self, images):
        return images.float().mean((2, 3))


class Absent(MeanColour):
    columns = ("fid", "kid")

    def __init__(self):
        raise WeightsNotFoundError("no weights in /nowhere; fetch them")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VTRYON_CACHE", str(tmp_path / "cache"))


def scored(tmp_path, module=None, features=(MeanColour, Absent), **data):
    scores = Scores(tmp_path, features)
    run = trainer(tmp_path, scores)
    run.test(module or TinyModule(), datamodule=TinyData(tmp_path, **data), verbose=False)
    return scores.record(), run.callback_metrics


def test_every_score_of_the_test_has_the_name_of_its_split(tmp_path):
    record, logged = scored(tmp_path)
    found = {
        "paired/ssim",
        "paired/psnr",
        "paired/mse",
        "paired/epe",
        "unpaired/fd_colour",
        "unpaired/kid_colour",
    }
    assert set(logged) == found
    assert {key for key, value in record["scores"].items() if value is not None} == found
    for key in found:
        assert record["scores"][key] == pytest.approx(float(logged[key]), rel=1e-5), key


def test_a_mean_is_over_samples_and_not_over_batches(tmp_path):
    record, _ = scored(tmp_path)
    errors = []
    for ids in (range(10, 12), range(12, 13)):
        given = batch(ids)
        difference = to_uint8(given.cloth).double() - to_uint8(given.person).double()
        errors += difference.square().mean((1, 2, 3)).tolist()
    assert record["scores"]["paired/mse"] == pytest.approx(sum(errors) / 3)
    assert record["counts"] == {"unpaired": 3, "paired": 3}


def test_ssim_of_a_sample_is_skimages():
    given = batch(range(2))
    (first, _) = judge("paired", {"try_on": answer(given, image=given.person * 0.5)}, given)
    pictures = [to_uint8(x)[0].permute(1, 2, 0).numpy() for x in (given.person * 0.5, given.person)]
    options = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 255,
    }
    assert first.ssim == pytest.approx(structural_similarity(*pictures, channel_axis=2, **options), abs=1e-3)


def test_the_end_point_error_is_in_pixels():
    given = batch(range(1))
    one_pixel = torch.tensor([2 / 63, 0.0]).view(1, 2, 1, 1)
    moved = identity_grid(*given.person.shape[2:]) + one_pixel
    assert judge("paired", {"try_on": answer(given, flow=moved)}, given)[0].epe == pytest.approx(1, abs=1e-4)


def test_of_a_stage_that_only_warps_the_flow_alone_is_judged():
    given = batch(range(2))
    warp = Warp(
        given.cloth,
        identity_grid(*given.person.shape[2:]).repeat(2, 1, 1, 1),
        (),
        (),
        (),
    )
    assert averages(judge("val", {"warp": warp}, given)) == {"val/epe": 0.0}


def test_a_garment_that_is_nowhere_seen_has_no_end_point_error():
    given = batch(range(2))
    given.true_flow[0] = torch.nan
    hidden, seen = judge("paired", {"try_on": answer(given)}, given)
    assert hidden.epe is None
    assert averages([hidden, seen])["paired/epe"] == seen.epe


def test_an_identical_picture_does_not_make_the_mean_psnr_infinite():
    given = batch(range(2))
    image = given.person.clone()
    image[1] = -image[1]
    same, other = judge("paired", {"try_on": answer(given, image=image)}, given)
    assert math.isinf(same.psnr)
    assert averages([same, other])["paired/psnr"] == other.psnr


def test_a_distilled_student_is_compared_with_its_teacher(tmp_path):
    record, _ = scored(tmp_path, TinyModule(teacher=True))
    assert record["scores"]["unpaired/mse_to_teacher"] == pytest.approx(record["scores"]["paired/mse_to_teacher"])
    # this teacher knows the truth
    assert record["scores"]["paired/ssim_to_teacher"] == pytest.approx(record["scores"]["paired/ssim"])


def test_an_empty_column_keeps_its_reason(tmp_path):
    record, _ = scored(tmp_path)
    assert record["scores"]["unpaired/fid"] is None
    assert record["empty"]["unpaired/fid"] == "no weights in /nowhere; fetch them"
    assert "true try-on" in record["empty"]["unpaired/ssim"]
    assert "true flow" in record["empty"]["unpaired/epe"]
    assert set(record["empty"]) == {key for key, value in record["scores"].items() if value is None}


def test_one_try_on_has_no_distance_and_says_so(tmp_path):
    scores = Scores(tmp_path, (MeanColour,))
    data = TinyData(tmp_path)
    data.test_dataloader = lambda: [loader(batch(range(1))), loader(batch(range(1)))]
    trainer(tmp_path, scores).test(TinyModule(), datamodule=data, verbose=False)
    assert "at least 2" in scores.record()["empty"]["unpaired/fd_colour"]


def test_too_few_real_photographs_are_a_reason_too(tmp_path):
    scores = Scores(tmp_path, (MeanColour,))
    data = TinyData(tmp_path)
    data.reference_images = list
    trainer(tmp_path, scores).test(TinyModule(), datamodule=data, verbose=False)
    assert scores.record()["empty"]["unpaired/kid_colour"].startswith("0 real photographs")


def test_a_distance_is_quoted_with_its_protocol(tmp_path):
    record, _ = scored(tmp_path)
    about = record["protocol"]["distances"]["fd_colour"]
    assert (about["features"], about["images"], about["reference_images"]) == (
        "mean_colour",
        3,
        4,
    )
    assert (about["pair_list"], about["pair_list_sha256"]) == (
        "test_pairs.txt",
        "f" * 64,
    )
    assert about["reference_set"] == "test_img"
    assert "fewer than 2048" in about["warning"]
    assert record["protocol"]["pairs"] == "test_pairs.txt"


def test_the_default_distance_is_on_efficientnet_and_never_called_fid(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    scores = Scores(tmp_path)
    trainer(tmp_path, scores).test(TinyModule(), datamodule=TinyData(tmp_path), verbose=False)
    record = scores.record()
    assert record["scores"]["unpaired/fd_efficientnet"] > 0
    assert record["scores"]["unpaired/fid"] is None


def test_the_rows_of_single_samples_are_kept(tmp_path):
    scored(tmp_path)
    with (tmp_path / "samples.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["split"], row["person"], row["cloth"]) for row in rows[:2]] == [
        ("unpaired", "000010_0", "000011_1"),
        ("unpaired", "000011_0", "000012_1"),
    ]
    assert rows[0]["ssim"] == ""
    assert 0 < float(rows[-1]["mse"]) < 65025


def test_a_table_of_samples_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text("old")
    with pytest.raises(TypeError):
        write_samples(path, [None])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_validation_scores_can_be_monitored(tmp_path):
    run = trainer(tmp_path, Scores(tmp_path, ()))
    run.validate(TinyModule(), datamodule=TinyData(tmp_path), verbose=False)
    assert {"val/ssim", "val/psnr", "val/mse", "val/epe"} <= set(run.callback_metrics)


def test_a_test_loader_without_a_name_is_refused(tmp_path):
    run = trainer(tmp_path)
    run.state.fn, run.testing = run.state.fn, True
    data = TinyData(tmp_path)
    data.test_splits = ("paired",)
    run.datamodule = data
    with pytest.raises(
        ValueError,
        match=r"test loader 1 has no name: .*\('paired',\).*name one split for each",
    ):
        split_of(run, 1)
