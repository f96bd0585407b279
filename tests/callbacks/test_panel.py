import cv2
import numpy as np
import pytest
import torch
from tiny_run import (
    LIGHTNING_WARNINGS,
    SIZE,
    TinyData,
    TinyModule,
    answer,
    batch,
    trainer,
)

from vtryon.callbacks.contact_sheet import Column, grey, on_white, strip
from vtryon.callbacks.panel import TryOnPanel, columns
from vtryon.models.afwm import Warp
from vtryon.models.flow import identity_grid
from vtryon.utils.image import to_uint8

pytestmark = pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)
STAGES = ["person", "cloth", "warped", "rendered", "mask", "try-on"]


def flat(count, value, size=SIZE):
    return torch.full((count, 3, *size), value, dtype=torch.uint8)


def test_a_sheet_holds_every_picture_enlarged_by_a_whole_factor():
    pictures = flat(2, 10)
    pictures[:, 0] = 200  # a red that no letter has
    sheet = np.asarray(strip([Column("a", pictures), Column("b", pictures.flip(1))], "title"))
    for colour in ((200, 10, 10), (10, 10, 200)):
        assert (sheet == colour).all(-1).sum() == 2 * (3 * 64) * (3 * 64)


def test_pictures_that_are_large_enough_keep_their_size():
    pictures = flat(1, 10, (256, 192))
    pictures[:, 0] = 200
    assert (np.asarray(strip([Column("a", pictures)])) == (200, 10, 10)).all(-1).sum() == 256 * 192


def test_the_stages_stand_in_order_and_the_truth_comes_last():
    given = batch(range(3))
    found = columns({"try_on": answer(given)}, given, 2)
    assert [column.caption for column in found] == [*STAGES, "truth"]
    assert all(column.pictures.shape == (2, 3, *SIZE) for column in found)


def test_without_a_truth_there_is_no_column_for_it():
    given = batch(range(3), truth=False)
    assert [column.caption for column in columns({"try_on": answer(given)}, given, 2)] == STAGES


def test_a_teacher_stands_between_its_student_and_the_truth():
    given = batch(range(1))
    found = columns({"try_on": answer(given), "teacher": answer(given)}, given, 1)
    assert [column.caption for column in found] == [*STAGES, "teacher", "truth"]


def test_a_stage_that_only_warps_shows_the_warped_garment():
    given = batch(range(3))
    warp = Warp(given.cloth, identity_grid(*SIZE).repeat(3, 1, 1, 1), (), (), ())
    found = columns({"warp": warp}, given, 2)
    assert [column.caption for column in found] == [
        "person",
        "cloth",
        "warped",
        "truth",
    ]
    assert torch.equal(found[2].pictures, to_uint8(given.cloth[:2]))  # a flow that moves nothing, an edge of ones


def test_a_warped_garment_lies_on_white():
    edge = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    assert on_white(torch.tensor([-1.0, 0.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2), edge)[0, 0].tolist() == [[0, 255]]


def test_a_mask_is_white_where_it_takes_the_garment():
    assert grey(torch.tensor([0.0, 1.0]).view(1, 1, 1, 2))[0, 0].tolist() == [[0, 255]]


def test_the_test_saves_a_panel_of_each_split_with_rows_from_several_batches(tmp_path):
    run = trainer(tmp_path, TryOnPanel(tmp_path, rows=3))
    run.test(TinyModule(), datamodule=TinyData(tmp_path), verbose=False)
    sizes = {path.name: cv2.imread(str(path)).shape for path in (tmp_path / "panels").iterdir()}
    assert sizes.keys() == {"unpaired_test.png", "paired_test.png"}
    wide, narrow = sizes["paired_test.png"], sizes["unpaired_test.png"]
    assert wide[1] - narrow[1] == 200  # the truth
    assert wide[0] > 3 * 192


def test_the_test_keeps_each_picture_by_pair_and_column(tmp_path):
    run = trainer(tmp_path, TryOnPanel(tmp_path, rows=2))
    run.test(TinyModule(teacher=True), datamodule=TinyData(tmp_path), verbose=False)
    pair = tmp_path / "pictures" / "paired" / "000010_0__000011_1"
    names = {"person", "cloth", "warped", "rendered", "mask", "try-on", "teacher", "truth"}
    assert {path.stem for path in pair.iterdir()} == names
    assert (cv2.imread(str(pair / "teacher.png")) == cv2.imread(str(pair / "person.png"))).all()


def test_validation_panels_come_every_so_many_epochs(tmp_path):
    run = trainer(
        tmp_path,
        TryOnPanel(tmp_path, rows=1, every=2),
        max_epochs=3,
        num_sanity_val_steps=1,
    )
    run.fit(TinyModule(), datamodule=TinyData(tmp_path))
    assert sorted(path.name for path in (tmp_path / "panels").iterdir()) == [
        "val_0000.png",
        "val_0002.png",
    ]
