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

from vtryon.callbacks.recorder import split_of
from vtryon.callbacks.samples import averages, judge, left_out, write_samples
from vtryon.callbacks.scores import Scores
from vtryon.data.files.label_tables import Parse
from vtryon.data.sample import TryOnBatch
from vtryon.models.afwm import Warp
from vtryon.models.features.pretrained import WeightsNotFoundError
from vtryon.models.flow import identity_grid
from vtryon.models.paste import Paste, Photo
from vtryon.utils.image import to_uint8

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


class NoLPIPS(nn.Module):
    def __init__(self):
        raise WeightsNotFoundError("no AlexNet in /nowhere; fetch it")


class MeanDistance(nn.Module):
    """Stands for LPIPS."""

    name, weights_sha256, preprocessing = "mean_distance", "1" * 64, "none"

    def forward(self, image, truth):
        return (image.float() - truth.float()).abs().mean((1, 2, 3))


def scored(tmp_path, module=None, features=(MeanColour, Absent), lpips=NoLPIPS, **data):
    scores = Scores(tmp_path, features, lpips)
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
        "unpaired/garment_de",
        "unpaired/garment_ssim",
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
    assert first.scores.get("ssim") == pytest.approx(
        structural_similarity(*pictures, channel_axis=2, **options), abs=1e-3
    )


def test_the_end_point_error_is_in_pixels():
    given = batch(range(1))
    one_pixel = torch.tensor([2 / 63, 0.0]).view(1, 2, 1, 1)
    moved = identity_grid(*given.person.shape[2:]) + one_pixel
    assert judge("paired", {"try_on": answer(given, flow=moved)}, given)[0].scores["epe"] == pytest.approx(1, abs=1e-4)


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
    assert hidden.scores.get("epe") is None
    assert averages([hidden, seen])["paired/epe"] == seen.scores.get("epe")


def test_an_identical_picture_does_not_make_the_mean_psnr_infinite():
    given = batch(range(2))
    image = given.person.clone()
    image[1] = -image[1]
    same, other = judge("paired", {"try_on": answer(given, image=image)}, given)
    assert math.isinf(same.scores.get("psnr"))
    assert averages([same, other])["paired/psnr"] == other.scores.get("psnr")


@pytest.mark.parametrize("part", ["image", "flow"])
def test_a_try_on_that_is_not_finite_gets_no_score_and_is_named(part):
    given = batch(range(2))
    whole = answer(given)
    values = getattr(whole, part).clone()
    values[1] = float("nan")
    with pytest.raises(FloatingPointError, match=rf"the {part} of try_on is not finite for {given.person_ids[1]};"):
        judge("paired", {"try_on": whole._replace(**{part: values})}, given)


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
    with pytest.raises(ZeroDivisionError):
        write_samples(path, (1 / 0 for _ in "a"))
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


def test_a_learned_distance_to_the_truth_stands_where_there_is_a_truth(tmp_path):
    record, _ = scored(tmp_path, lpips=MeanDistance)
    given = batch(range(10, 12)), batch(range(12, 13))
    errors = [(to_uint8(g.cloth).float() - to_uint8(g.person).float()).abs().mean((1, 2, 3)) for g in given]
    assert record["scores"]["paired/lpips"] == pytest.approx(torch.cat(errors).mean().item())
    assert record["protocol"]["distances"]["lpips"]["weights_sha256"] == "1" * 64
    assert "true try-on" in record["empty"]["unpaired/lpips"]


def test_without_its_weights_the_learned_distance_says_which_file_is_missing(tmp_path):
    record, _ = scored(tmp_path)
    assert record["scores"]["paired/lpips"] is None
    assert record["empty"]["paired/lpips"] == "no AlexNet in /nowhere; fetch it"
    assert "true try-on" in record["empty"]["unpaired/lpips"]
    assert "lpips" not in record["protocol"]["distances"]


def parsed(ids: range, *regions: tuple[int, slice]) -> TryOnBatch:
    """Persons whose parse maps have these labels in these rows, and whose garment is the left half of its picture."""
    given = batch(ids, truth=False, flow=False)
    parse = torch.zeros(len(given.person), 64, 64, dtype=torch.uint8)
    for label, rows in regions:
        parse[:, rows] = label
    given.cloth_edge[..., 32:] = 0
    return given._replace(parse=parse)


def test_what_an_unpaired_try_on_preserves_is_judged_by_the_parse_map():
    given = parsed(range(2), (Parse.HAIR, slice(6, 12)), (Parse.FACE, slice(12, 20)), (Parse.PANTS, slice(40, 58)))
    image = given.person.clone()
    image[:, :, 25:] = image[:, :, 25:].flip(3)
    rows = judge("unpaired", {"try_on": answer(given, image=image)}, given)
    for row in rows:
        assert row.scores.get("preserved_hair_face") == pytest.approx(1)
        assert row.scores.get("preserved_lower") < 0.9
        assert row.scores.get("preserved_lower") < row.scores.get("preserved_ssim") < 1
        assert row.scores.get("ssim") is None


def test_each_sample_counts_once_however_large_its_region_and_one_without_it_is_left_out_and_counted():
    large = parsed(range(1), (Parse.FACE, slice(0, 64)))
    small = parsed(range(1, 2), (Parse.FACE, slice(30, 32)), (Parse.LEFT_LEG, slice(50, 58)))
    rows = []
    for given in (large, small):
        rows += judge("unpaired", {"try_on": answer(given, image=-given.person)}, given)
    means = averages(rows)
    assert means["unpaired/preserved_hair_face"] == pytest.approx(
        (rows[0].scores.get("preserved_hair_face") + rows[1].scores.get("preserved_hair_face")) / 2
    )
    assert rows[0].scores.get("preserved_lower") is None
    assert means["unpaired/preserved_lower"] == rows[1].scores.get("preserved_lower")
    assert left_out(rows, means) == {"unpaired/preserved_lower": 1}


def test_only_the_unpaired_test_is_judged_without_a_truth():
    given = parsed(range(1), (Parse.FACE, slice(0, 64)))
    for split in ("paired", "val", "seen"):
        (row,) = judge(split, {"try_on": answer(given)}, given)
        assert not {"preserved_ssim", "garment_de", "garment_ssim"} & row.scores.keys()


def test_a_try_on_shows_the_garment_that_its_flow_warps_or_it_does_not():
    given = parsed(range(2))
    pasted = Paste()(given.person, given.cloth, given.cloth_edge)
    photo = Photo()(given.person, given.cloth, given.cloth_edge)
    for row in judge("unpaired", {"try_on": pasted}, given):
        assert row.scores.get("garment_de") == pytest.approx(0, abs=0.5)
        assert row.scores.get("garment_ssim") == pytest.approx(1, abs=1e-3)
    for row in judge("unpaired", {"try_on": photo}, given):
        assert row.scores.get("garment_de") > 30
        assert row.scores.get("garment_ssim") < 0.2


def test_a_garment_warped_out_of_the_picture_has_no_score():
    given = parsed(range(1))
    outside = identity_grid(64, 64) + 4
    (row,) = judge("unpaired", {"try_on": answer(given, flow=outside)}, given)
    assert (row.scores["garment_de"], row.scores["garment_ssim"]) == (None, None)


def test_without_parse_maps_the_preserved_columns_are_empty_and_say_so(tmp_path):
    record, _ = scored(tmp_path)
    for name in ("preserved_ssim", "preserved_hair_face", "preserved_lower"):
        assert record["scores"][f"unpaired/{name}"] is None
        assert "no parse maps" in record["empty"][f"unpaired/{name}"]
        assert f"paired/{name}" not in record["scores"]


def test_a_row_names_its_protocol(tmp_path):
    record, _ = scored(tmp_path)
    name = record["protocol"]["name"]
    assert name.startswith("test_pairs-3-")
    assert name.endswith(" unpaired + paired 64x64")
