"""`data check` sums up what is wrong, and `data fix` writes a folder in which what can be mended is."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from shirts import P3, garment, palette, png, profile, shirt

from vtryon.cli import main
from vtryon.data.checking.fix import fix
from vtryon.data.checking.verify import check
from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files import decode
from vtryon.data.files.reader import DataError, read

SIZE = (64, 32)
INSIDE = shirt(SIZE)
WHITE = np.where(INSIDE, 255, 0).astype(np.uint8)


def turned(path):
    """As a telephone stores it: on its side, with a flag."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=100, subsampling=0)


def replaced(path, data, suffix=".png"):
    path.unlink()
    path.with_suffix(suffix).write_bytes(data)


def holed():
    mask = WHITE.copy()
    mask[30:50, 12:20] = 0
    return mask


@pytest.fixture
def damaged(folder):
    """A folder with one fault of every kind that can be mended."""
    for name, edges in (("train_color", folder.train / "train_edge"), ("test_clothes", folder.test / "test_edge")):
        for path in (edges.parent / name).iterdir():
            cv2.imwrite(str(path), garment(SIZE)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
            cv2.imwrite(str(edges / path.name), WHITE)
    edge, image, label = (folder.train / f"train_{name}" for name in ("edge", "img", "label"))
    replaced(edge / "000000_1.jpg", png(INSIDE.astype(np.uint8)))
    replaced(edge / "000001_1.jpg", png(255 - WHITE))
    cv2.imwrite(str(edge / "000002_1.jpg"), holed())
    (edge / "000003_1.jpg").write_bytes(b"")
    (folder.test / "test_edge" / "000100_1.jpg").unlink()
    turned(image / "000000_0.jpg")
    with Image.open(image / "000001_0.jpg") as photo:
        photo.save(image / "000001_0.jpg", icc_profile=profile(P3))
    (image / "000002_0.png").write_bytes(png(cv2.imread(str(image / "000002_0.jpg"))[..., ::-1]))
    ids = cv2.imread(str(label / "000003_0.png"), cv2.IMREAD_UNCHANGED)
    (label / "000003_0.png").write_bytes(png(palette(ids, [(n, 2 * n, 255) for n in range(14)])))
    with Image.open(folder.test / "test_img" / "000101_0.jpg") as photo:
        replaced(folder.test / "test_img" / "000101_0.jpg", b"", ".bmp")
        photo.save(folder.test / "test_img" / "000101_0.bmp")
    folder.list("test_pairs.txt", [("000100", "000101"), ("000100", "000101"), ("000102", "000999")])
    return folder


def content(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


MENDED = {
    "unusual mask": 2,
    "holes in mask": 1,
    "empty": 1,
    "missing mask": 1,
    "marked as turned": 1,
    "colour profile": 1,
    "two files of one id": 1,
    "palette": 1,
    "unread format": 1,
    "pair twice": 1,
    "pair without file": 1,
}


def test_each_planted_fault_is_mended_and_nothing_is_left(damaged, tmp_path):
    before, new = content(damaged.root), tmp_path.parent / f"{tmp_path.name}-new"
    found = {problem.kind for problem in check(damaged.root)}
    assert MENDED.keys() <= found
    kinds = [kind for change in fix(damaged.root, new) for kind in change.kinds]
    assert {kind: kinds.count(kind) for kind in kinds} == MENDED
    assert content(damaged.root) == before
    assert {problem.kind for problem in check(new)} == {"known from training"}  # one garment is worn by all


def test_the_mended_folder_trains_and_shows_what_the_old_one_meant(damaged, tmp_path):
    new = tmp_path.parent / f"{tmp_path.name}-new"
    fix(damaged.root, new)
    data = VitonDataModule(new, size=SIZE, val_size=0)
    data.setup("fit")
    for record in data.train_set.records:
        mask = read(record.edge, decode.mask) > 127
        assert (mask & INSIDE).sum() / (mask | INSIDE).sum() > 0.85
    assert read(data.train_set.records[0].person, decode.photo).shape[:2] == SIZE
    assert (new / "VITON_test" / "test_pairs.txt").read_text() == "000100_0.jpg 000101_1.jpg\n"


def test_two_files_of_one_id_that_differ_are_left_to_a_person(folder, tmp_path):
    (folder.train / "train_img" / "000000_0.png").write_bytes(png(np.zeros((*SIZE, 3), np.uint8)))
    new = tmp_path.parent / f"{tmp_path.name}-new"
    assert fix(folder.root, new) == []
    assert content(new) == content(folder.root)


@pytest.mark.parametrize("out", ["inside", "used"])
def test_a_place_that_cannot_be_written_to_is_refused_and_nothing_is_left_behind(folder, tmp_path, out):
    place = folder.root / "new" if out == "inside" else tmp_path.parent / f"{tmp_path.name}-used"
    if out == "used":
        place.mkdir()
        (place / "mine").touch()
    with pytest.raises(DataError, match=r"name a (new )?folder"):
        fix(folder.root, place)
    assert not [path for path in place.parent.iterdir() if path.name.startswith(f".{place.name}")]


def test_the_commands_say_what_is_wrong_what_to_type_and_what_was_mended(damaged, tmp_path, capfd):
    new, listed = tmp_path.parent / f"{tmp_path.name}-new", tmp_path / "problems.txt"
    for path in (damaged.train / "train_pose").iterdir():
        path.write_text(json.dumps({"people": []}))
    assert main(["data", "check", str(damaged.root), "--out", str(listed)]) == 1
    text = capfd.readouterr().out
    assert "empty pose (4)\n" in text
    assert text.count("000003_0_keypoints.json") == 0
    assert "  ... and 1 more" in text
    assert f"`vtryon data fix {damaged.root} --out DIR2`" in text
    assert f"`vtryon data check {damaged.root} --all`" in text
    assert "000003_0_keypoints.json" in listed.read_text()
    assert main(["data", "check", str(damaged.root), "--all"]) == 1
    assert "000003_0_keypoints.json" in capfd.readouterr().out
    assert main(["data", "fix", str(damaged.root), "--out", str(new)]) == 1
    text = capfd.readouterr().out
    assert "mended: unusual mask (2)" in text
    assert "empty pose (4)\n" in text
    assert "data fix" not in text
    assert main(["data", "fix", str(damaged.root), "--out", str(new)]) == 2
    assert "there is something already" in capfd.readouterr().err


def test_notes_alone_are_no_failure(folder, capfd):
    path = folder.train / "train_edge" / "000000_1.jpg"
    replaced(path, png(INSIDE.astype(np.uint8)))
    assert main(["data", "check", str(folder.root)]) == 0
    text = capfd.readouterr().out
    assert "unusual mask (1) [note, data fix tries to mend it]" in text
    assert "0 problems of 0 kinds, 1 note" in text
