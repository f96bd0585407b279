"""A VITON folder to samples: ids, drawn garments, sizes, and errors that name the file."""

import json
import struct

import cv2
import numpy as np
import pytest
import torch

from vtryon.bench.data_loading import plain_sample
from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files.pairs import find_pairs, read_pairs
from vtryon.data.files.reader import DataError, check_whole
from vtryon.data.sample import collate, finish
from vtryon.data.viton import VitonSet, match_test, match_training

SIZE = (64, 32)


def training(folder, size=SIZE, **more):
    records = match_training(folder.root, find_pairs(folder.root, "train"))
    return VitonSet(records, size, **{"draw_others": True, **more})


def test_a_batch_equals_what_pil_makes_of_the_same_files(clean):
    samples = training(clean, (256, 192))
    batch = finish(collate([samples[2]]))
    other = next(record for record in samples.records if torch.equal(_cloth(samples, record), batch.other_cloth[0]))
    expected = plain_sample(samples.records[2], other)
    for name, value in expected.items():
        assert torch.allclose(getattr(batch, name)[0].float().squeeze(), value.squeeze(), atol=1e-6), name


def _cloth(samples, record):
    return finish(collate([samples[samples.records.index(record)]])).cloth[0]


def test_files_are_matched_by_id_when_one_folder_has_a_file_too_many(folder):
    folder.picture(folder.train / "train_color" / "000000a_1.jpg")  # sorts before 000001_1
    before = training(folder)[2]
    (folder.train / "train_color" / "000000a_1.jpg").unlink()
    assert np.array_equal(training(folder)[2].cloth, before.cloth)


def test_a_missing_partner_is_an_error_and_shifts_nothing(folder):
    missing = folder.train / "train_edge" / "000001_1.jpg"
    missing.unlink()
    with pytest.raises(DataError, match=rf"000001_1\.\*: missing file.*vtryon data check {folder.root}"):
        training(folder)


def test_labels_may_be_jpg_and_poses_named_either_way(folder):
    zeros = np.zeros(SIZE, np.uint8)
    label = folder.train / "train_label" / "000000_0.png"
    label.unlink()
    cv2.imwrite(str(label.with_suffix(".jpg")), zeros)
    pose = folder.train / "train_pose" / "000000_0_keypoints.json"
    expected = training(folder)[0].pose
    pose.rename(pose.with_name("000000_0.json"))
    sample = training(folder)[0]
    assert not sample.parse.any()
    assert np.array_equal(sample.pose, expected)


@pytest.mark.parametrize(
    ("subfolder", "name"),
    [("train_label", "000000_0.jpg"), ("train_color", "000000_1.png"), ("train_img", "000000_0.JPEG")],
)
def test_two_pictures_of_one_id_are_an_error_that_names_both(folder, subfolder, name):
    first = min((folder.train / subfolder).iterdir()).name
    cv2.imwrite(str(folder.train / subfolder / "copy.png"), np.zeros(SIZE, np.uint8))
    (folder.train / subfolder / "copy.png").rename(folder.train / subfolder / name)
    both = " and ".join(sorted([first, name]))
    with pytest.raises(DataError, match=rf"two files of one id: {both} are both there"):
        training(folder)


def test_an_array_goes_before_a_picture_of_the_same_id(folder):
    expected = training(folder)[0].densepose
    cv2.imwrite(str(folder.train / "train_densepose" / "000000_0.png"), np.zeros(SIZE, np.uint8))
    assert np.array_equal(training(folder)[0].densepose, expected)


@pytest.mark.parametrize("people", [[], [{"pose_keypoints": [0] * 54}], [{"pose_keypoints_2d": [0.0] * 54}]])
def test_a_person_whom_openpose_missed_has_empty_maps(folder, people):
    (folder.train / "train_pose" / "000000_0_keypoints.json").write_text(json.dumps({"people": people}))
    assert finish(collate([training(folder)[0]])).pose.eq(-1).all()


def test_the_other_garment_is_never_the_own_one_and_every_one_comes(folder):
    samples = training(folder)
    own = {sample.cloth.tobytes() for sample in (samples[i] for i in range(4))}
    for index in range(4):
        drawn = [samples[epoch, index].other_cloth.tobytes() for epoch in range(40)]
        assert set(drawn) == own - {samples[index].cloth.tobytes()}


def test_the_other_garment_follows_seed_and_epoch(folder):
    first, same, reseeded = training(folder), training(folder), training(folder, seed=1)
    keys = [(epoch, index) for epoch in range(8) for index in range(4)]
    drawn = [[samples[key].other_cloth.tobytes() for key in keys] for samples in (first, same, reseeded)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert drawn[0][:16] != drawn[0][16:]


def test_one_garment_cannot_be_exchanged(folder):
    records = match_training(folder.root, find_pairs(folder.root, "train"))[:1]
    with pytest.raises(ValueError, match="needs 2 garments to exchange"):
        VitonSet(records, SIZE, draw_others=True)


def test_smaller_samples_show_the_same_as_the_full_ones(clean):
    full, half = (finish(collate([training(clean, size)[1]])) for size in ((256, 192), (128, 96)))
    for name in ("person", "cloth", "other_cloth"):
        averaged = torch.nn.functional.avg_pool2d(getattr(full, name), 2)
        assert (getattr(half, name) - averaged).abs().max() < 0.02
    assert (half.cloth_edge - torch.nn.functional.avg_pool2d(full.cloth_edge, 2)).abs().mean() < 0.05
    for name in ("parse", "densepose"):  # their blocks are 32 pixels wide
        assert torch.equal(getattr(half, name), getattr(full, name)[:, ::2, ::2])
    centres = [
        torch.stack([maps.gt(0).nonzero().float().mean(0) for maps in batch.pose[0] if maps.gt(0).any()])
        for batch in (full, half)
    ]
    assert (centres[0] / 2 - centres[1]).abs().max() < 1


def test_a_smaller_flow_fetches_the_same_garment_pixels(clean):
    """The flow is 0.9 x, 0.8 y in corner-aligned coordinates; where it points is compared in parts of the picture."""
    half = finish(collate([training(clean, (128, 96))[0]])).true_flow[0].double()
    assert torch.equal(half.isnan(), (torch.arange(128) < 32)[:, None].expand(2, 128, 96))
    for axis, (full, side, factor) in enumerate(((192, 96, 0.9), (256, 128, 0.8))):
        middle = (torch.arange(side) + 0.5) / side  # of a pixel, in parts of the picture
        source = factor * ((middle * full - 0.5) / (full - 1) * 2 - 1)  # what the full flow says there
        expected = ((source + 1) / 2 * (full - 1) + 0.5) / full
        found = half[axis, -1, :] if axis == 0 else half[axis, :, -1]
        parts = ((found + 1) / 2 * (side - 1) + 0.5) / side
        assert torch.nan_to_num(parts - expected).abs().max() < 1e-3


def test_test_samples_carry_truth_and_flow_where_the_folder_has_them(folder):
    unpaired, paired = (find_pairs(folder.root, split) for split in ("unpaired", "paired"))
    plain = VitonSet(match_test(folder.root, unpaired, worn=False), SIZE)[0]
    assert plain.truth is None
    assert plain.true_flow is None
    for person, cloth in {*unpaired.ids, *paired.ids}:
        folder.flow(folder.test / "test_flow" / f"{person}__{cloth}.npy")
    for person, cloth in unpaired.ids:
        folder.picture(folder.test / "test_truth" / f"{person}__{cloth}.png")
    made = finish(collate([VitonSet(match_test(folder.root, unpaired, worn=False), SIZE)[0]]))
    assert not torch.equal(made.truth, made.person)
    assert made.true_flow.isfinite().any()
    worn = finish(collate([VitonSet(match_test(folder.root, paired, worn=True), SIZE)[0]]))
    assert torch.equal(worn.truth, worn.person)
    assert worn.true_flow is not None


def test_garments_of_the_test_may_lie_in_test_color(folder):
    (folder.test / "test_clothes").rename(folder.test / "test_color")
    assert (
        len(
            VitonSet(
                match_test(folder.root, find_pairs(folder.root, "paired"), worn=True),
                SIZE,
            )
        )
        == 3
    )


def test_pair_lists_are_hashed_by_their_text_and_not_by_its_line_ends(tmp_path):
    (tmp_path / "unix.txt").write_bytes(b"000003_0.jpg 000010_1.jpg\n")
    (tmp_path / "dos.txt").write_bytes(b"000003_0.jpg 000010_1.jpg\r\n")
    unix, dos = read_pairs(tmp_path / "unix.txt"), read_pairs(tmp_path / "dos.txt")
    assert unix.ids == [("000003_0", "000010_1")]
    assert unix.sha256 == dos.sha256


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg b.jpg\nc.jpg\n", 'line 2 is "c.jpg"'),
        ("", "names no pair"),
        ("\xff", "utf-8"),
    ],
)
def test_a_broken_pair_list_is_refused(tmp_path, text, message):
    (tmp_path / "pairs.txt").write_bytes(text.encode("latin1"))
    with pytest.raises(DataError, match=message):
        read_pairs(tmp_path / "pairs.txt")


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _bomb(path):
    """A PNG that claims 50000x50000 pixels."""
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 50000, 50000)
    path.write_bytes(data)


def _colour(path):
    cv2.imwrite(str(path), np.zeros((*SIZE, 3), np.uint8))


BROKEN = {  # subfolder: damage to its first file, words of the message, found without decoding
    "truncated jpg": ("train_img", _cut, "truncated", True),
    "truncated png": ("train_label", _cut, "truncated", True),
    "truncated npy": (
        "train_densepose",
        _cut,
        "truncated: .* its header announces",
        True,
    ),
    "truncated json": ("train_pose", _cut, "unreadable: not OpenPose's JSON", True),
    "empty": (
        "train_color",
        lambda path: path.write_bytes(b""),
        "empty: 0 bytes",
        True,
    ),
    "text": (
        "train_edge",
        lambda path: path.write_text("a picture"),
        "neither a JPEG nor a PNG",
        True,
    ),
    "bomb": ("train_label", _bomb, "too large: 50000x50000", True),
    "folder": (
        "train_img",
        lambda path: (path.unlink(), path.mkdir()),
        "unreadable",
        True,
    ),
    "colour label": ("train_label", _colour, "wrong mode: a parse map in colours", False),
    "label 14": (
        "train_label",
        lambda path: cv2.imwrite(str(path), np.full(SIZE, 14, np.uint8)),
        "found 14",
        False,
    ),
    "part 25": (
        "train_densepose",
        lambda path: np.save(path, np.full(SIZE, 25)),
        r"found 25\.\.25",
        False,
    ),
    "part 1.5": (
        "train_densepose",
        lambda path: np.save(path, np.full(SIZE, 1.5)),
        "fractions",
        False,
    ),
    "part nan": (
        "train_densepose",
        lambda path: np.save(path, np.full(SIZE, np.nan)),
        "part out of range",
        False,
    ),
    "parts in 3-d": (
        "train_densepose",
        lambda path: np.save(path, np.zeros((*SIZE, 3))),
        "wrong shape",
        False,
    ),
    "text array": (
        "train_densepose",
        lambda path: np.save(path, np.array(["a"])),
        "only plain numbers",
        True,
    ),
    "pose 17x3": (
        "train_pose",
        lambda path: path.write_text(json.dumps({"people": [{"pose_keypoints_2d": [0] * 51}]})),
        r"a pose is 18x3 \(COCO\) or 25x3 \(BODY_25\) finite numbers, this has 51",
        True,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_stops_loading_with_its_path_and_the_remedy(folder, name):
    subfolder, damage, words, by_its_ends = BROKEN[name]
    path = min((folder.train / subfolder).iterdir())
    samples = training(folder)
    damage(path)
    message = rf"{path}: .*{words}.*vtryon data check {folder.root}`"
    with pytest.raises(DataError, match=message):
        samples[0]
    if by_its_ends:
        with pytest.raises(DataError, match=message):
            check_whole(path)


def test_a_pickle_in_an_array_file_is_never_run(folder):
    path = folder.train / "train_densepose" / "000000_0.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="only plain numbers"):
        training(folder)[0]


def test_a_large_comment_before_the_size_is_read_over(folder):
    path = folder.train / "train_img" / "000000_0.jpg"
    data, comment = path.read_bytes(), bytes(60000)
    path.write_bytes(data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:])
    check_whole(path)
    assert training(folder)[0].person.shape == (3, *SIZE)


def test_a_camera_rotation_flag_does_not_part_photo_and_labels(folder):
    from PIL import Image

    path = folder.train / "train_img" / "000000_0.jpg"
    expected = training(folder)[0].person
    with Image.open(path) as image:
        exif = image.getexif()
        exif[0x0112] = 6  # turned by 90 degrees
        image.save(path, exif=exif, quality="keep")
    assert np.abs(training(folder)[0].person.astype(int) - expected).mean() < 4


def test_an_unpaired_test_without_its_list_names_the_file(folder):
    (folder.test / "test_pairs.txt").unlink()
    with pytest.raises(DataError, match=r"VITON_test/test_pairs\.txt: missing file.*test_pairs="):
        VitonDataModule(folder.root, size=SIZE).setup("test")
