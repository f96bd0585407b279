"""Try-ons of several runs side by side, and the verb that draws them."""

import csv
import json

import pytest
from PIL import Image

from vtryon.cli import main
from vtryon.report.figures.strips import splits, write_strip

COLOURS = {"person": (200, 0, 0), "cloth": (0, 200, 0), "teacher": (0, 0, 200)}


def leave_run(folder, shade: int, varied: dict, pairs=("a__b", "c__d"), split="seen"):
    for pair in pairs:
        place = folder / "pictures" / split / pair
        place.mkdir(parents=True)
        for name, colour in {**COLOURS, "try-on": (shade, shade, shade)}.items():
            Image.new("RGB", (64, 96), colour).save(place / f"{name}.png")
    row = {"name": "f7", "varied": varied, "scores": {"seen/mse_to_teacher": shade}, "cost": {"gmacs": 1.0}}
    (folder / "row.json").write_text(json.dumps(row))
    return folder


def test_a_strip_shows_inputs_then_each_run_then_the_teacher(tmp_path):
    runs = [(str(shade), leave_run(tmp_path / str(shade), shade, {})) for shade in (10, 90)]
    write_strip(runs, "seen", tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as sheet:
        width = sheet.width // 5
        found = [sheet.getpixel((width * place + width // 2, sheet.height // 3)) for place in range(5)]
    assert found == [COLOURS["person"], COLOURS["cloth"], (10, 10, 10), (90, 90, 90), COLOURS["teacher"]]


def test_captions_of_many_words_stay_above_their_own_column(tmp_path):
    words = "pick " + " ".join(f"key{number}=0.5" for number in range(8))
    runs = [(words, leave_run(tmp_path / str(shade), shade, {})) for shade in (10, 90)]
    write_strip(runs, "seen", tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as sheet:
        assert sheet.height > 2 * 192 + 8 * 13  # a line each
        column = sheet.width / 5
        between = sheet.crop((int(3 * column), 0, int(3 * column) + 4, 100)).convert("L")  # the two runs' columns
        assert between.getextrema()[0] > 200


def test_only_pairs_that_all_runs_kept_are_shown(tmp_path):
    one = leave_run(tmp_path / "one", 10, {})
    other = leave_run(tmp_path / "other", 90, {}, pairs=("c__d",))
    write_strip([("1", one), ("2", other)], "seen", tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as sheet:
        assert sheet.height < 2 * 192
    stranger = leave_run(tmp_path / "stranger", 50, {}, pairs=("e__f",))
    with pytest.raises(ValueError, match="no pair of which all 2 runs keep a picture"):
        write_strip([("1", one), ("3", stranger)], "seen", tmp_path / "none.png")


def test_a_split_that_one_run_lacks_is_none_of_all(tmp_path):
    runs = [leave_run(tmp_path / "1", 1, {}), leave_run(tmp_path / "2", 2, {}, split="paired")]
    assert splits(runs[:1]) == ["seen"]
    assert splits(runs) == []


def test_the_verb_writes_every_row_with_what_was_varied_in_the_order_of_the_jobs(tmp_path, capsys):
    for job in (10, 9):
        leave_run(tmp_path / "sweep" / str(job), job, {"model.generator.ngf": job})
    assert main(["report", str(tmp_path / "sweep"), "--out", str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "measured.csv").open() as file:
        assert [row["model.generator.ngf"] for row in csv.DictReader(file)] == ["9", "10"]
    assert (tmp_path / "out" / "strip_seen.png").is_file()
    assert "9" in capsys.readouterr().out


def test_a_split_without_common_pairs_does_not_cost_the_strips_of_the_others(tmp_path, warned):
    """As of runs that held out other persons, whose unpaired tests are the same."""
    for job, seen in {1: "a__b", 2: "e__f"}.items():
        run = leave_run(tmp_path / "runs" / str(job), job, {"seed": job}, pairs=(seen,))
        leave_run(run, job, {"seed": job}, split="unpaired")
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "strip_unpaired.png").is_file()
    assert not (tmp_path / "out" / "strip_seen.png").exists()
    (why,) = warned
    assert why.startswith("no strip_seen.png: seen: no pair of which all 2 runs keep a picture")


def test_a_folder_without_rows_is_told(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "no row.json in or below" in capsys.readouterr().err


def test_the_verb_shows_what_unpaired_try_ons_preserve_in_a_table_of_its_own(tmp_path, capsys):
    leave_run(tmp_path / "plain", 1, {})
    assert main(["report", str(tmp_path / "plain")]) == 0
    assert "the photo preserved" not in capsys.readouterr().out
    row = {"name": "student", "scores": {"unpaired/garment_ssim": 0.8123, "unpaired/preserved_hair_face": 0.9712}}
    (tmp_path / "judged").mkdir()
    (tmp_path / "judged" / "row.json").write_text(json.dumps(row))
    assert main(["report", str(tmp_path / "judged")]) == 0
    text = capsys.readouterr().out
    assert "unpaired: the photo preserved, the garment shown" in text
    assert {"0.8123", "0.9712"} <= set(text.split())
