"""The procedural VITON folder: reproducible, consistent with itself, and its flow tells the truth."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from vtryon.data.synthetic.contact_sheet import contact_sheet
from vtryon.data.synthetic.figure.body import SIDES, sample_body
from vtryon.data.synthetic.figure.limb import ELBOW
from vtryon.data.synthetic.garment.cut import CUTS, sample_garment
from vtryon.data.synthetic.garment.deformation import Spline
from vtryon.data.synthetic.garment.texture import PATTERNS
from vtryon.data.synthetic.writer import write_viton

TRAIN, TEST, SIZE, SEED = 8, 4, (128, 96), 3


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic") / "set"
    write_viton(folder, TRAIN, TEST, SEED, SIZE)
    return folder


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None, path
    return image


def samples(root: Path):
    """Person id, and readers of the training files that belong to the person and to the garment."""
    folder = root / "VITON_traindata"
    for path in sorted((folder / "train_img").iterdir()):
        yield path.stem, folder


def picture(folder: Path, kind: str, who: str) -> np.ndarray:
    """A training picture by the person's id, whatever file it is."""
    number = who[:-2]
    file = {"train_img": f"{number}_0.jpg", "train_label": f"{number}_0.png"}.get(kind, f"{number}_1.jpg")
    return read(folder / kind / file)


def grid(flow: np.ndarray) -> np.ndarray:
    """A stored flow in pixels, (h, w, 2)."""
    height, width = flow.shape[1:]
    return (flow.astype(np.float32).transpose(1, 2, 0) + 1) / 2 * np.float32([width - 1, height - 1])


def sampled(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    return cv2.remap(image, np.nan_to_num(grid(flow)), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def error(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b)[where].mean())


def worn(root: Path):
    """(cloth, edge, flow, what the person wears) of training samples and of every test pair."""
    for who, folder in samples(root):
        cloth, edge, person = (picture(folder, kind, who) for kind in ("train_color", "train_edge", "train_img"))
        yield cloth, edge, np.load(folder / "train_flow" / f"{who}.npy"), person
    folder = root / "VITON_test"
    for path in sorted((folder / "test_flow").iterdir()):
        person, cloth = path.stem.split("__")
        truth = folder / "test_truth" / f"{path.stem}.png"
        seen = truth if truth.exists() else folder / "test_img" / f"{person}.jpg"
        image, edge = (read(folder / kind / f"{cloth}.jpg") for kind in ("test_clothes", "test_edge"))
        yield image, edge, np.load(path), read(seen)


def test_two_workers_write_the_same_bytes_as_one(root, tmp_path):
    write_viton(tmp_path / "again", TRAIN, TEST, SEED, SIZE, workers=2)
    assert contents(tmp_path / "again") == contents(root)


@pytest.mark.slow
def test_a_script_without_a_main_guard_draws_with_workers_and_ends(root, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from vtryon.data.synthetic.writer import write_viton\n"
        f"write_viton({str(tmp_path / 'drawn')!r}, train=2, test=2, size=(64, 32), workers=2)\n"
        "print('done')\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_smaller_set_is_the_start_of_a_larger_one(root, tmp_path):
    write_viton(tmp_path / "less", 3, 3, SEED, SIZE)
    small, large = contents(tmp_path / "less"), contents(root)
    wrapped = "500002_0__500000_1"  # the last person takes the first garment
    alike = [name for name in small if not name.endswith((".txt", "synthetic.json")) and wrapped not in name]
    assert len(alike) == 3 * 7 + 3 * 6 - 2
    assert all(small[name] == large[name] for name in alike)


def test_another_seed_gives_other_pictures(root, tmp_path):
    write_viton(tmp_path / "other", 2, 2, SEED + 1, SIZE)
    other, first = contents(tmp_path / "other"), contents(root)
    pictures = [name for name in other if name.endswith((".jpg", ".png", ".npy")) and name in first]
    assert len(pictures) > 20
    assert all(other[name] != first[name] for name in pictures)


def test_the_same_parameters_leave_a_finished_folder_alone(root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    write_viton(root, TRAIN, TEST, SEED, SIZE)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.parametrize("change", [{"seed": 4}, {"train": 9}, {"test": 2}, {"size": (64, 64)}], ids=str)
def test_other_parameters_are_refused_and_named(root, change):
    wanted = {"train": TRAIN, "test": TEST, "seed": SEED, "size": SIZE} | change
    with pytest.raises(FileExistsError, match=r"'seed': 3.*remove it or choose another"):
        write_viton(root, **wanted)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(FileExistsError, match="no procedural set"):
        write_viton(tmp_path, 1, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": -1}, "train"),
        ({"train": 600_000}, "train"),
        ({"test": 1}, "test"),
        ({"seed": -1}, "seed"),
        ({"size": (250, 192)}, "size"),
        ({"size": (0, 32)}, "size"),
    ],
)
def test_impossible_arguments_are_named_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=rf"{message} \(="):
        write_viton(tmp_path / "set", **{"train": 1, "test": 2} | arguments)
    assert not (tmp_path / "set").exists()


def test_an_interrupted_call_is_taken_up_by_the_same_call(root, tmp_path):
    def stop(done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_viton(tmp_path, TRAIN, TEST, SEED, SIZE, progress=stop)
    assert not (tmp_path / "synthetic.json").exists()
    seen = []
    write_viton(tmp_path, TRAIN, TEST, SEED, SIZE, progress=lambda *step: seen.append(step))
    assert seen == [(done, TRAIN + TEST) for done in range(1, TRAIN + TEST + 1)]
    assert contents(tmp_path) == contents(root)


def test_the_marker_says_what_the_folder_holds(root):
    marker = json.loads((root / "synthetic.json").read_text())
    assert marker["version"] >= 1
    assert {key: marker[key] for key in ("seed", "train", "test", "size")} == {
        "seed": SEED, "train": TRAIN, "test": TEST, "size": list(SIZE),
    }  # fmt: skip


def test_the_cloth_sampled_with_the_true_flow_is_what_the_person_wears(root):
    errors, unmoved = [], []
    for cloth, _, flow, person in worn(root):
        seen = np.isfinite(flow[0])
        assert seen.mean() > 0.08
        errors.append(error(sampled(cloth, flow), person, seen))
        unmoved.append(error(cloth, person, seen))
    assert max(errors) < 12  # of 255
    assert np.mean(errors) < 6 < 0.25 * np.mean(unmoved)


def test_the_true_flow_points_into_the_garment(root):
    for _, edge, flow, _ in worn(root):
        seen = np.isfinite(flow[0])
        assert (sampled(edge, flow)[seen] > 127).mean() > 0.96


def test_the_deformation_is_moderate(root):
    for _, _, flow, _ in worn(root):
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        moved = np.linalg.norm(grid(flow) - np.stack([x, y], axis=-1), axis=-1) / SIZE[1]
        assert 0.02 < np.nanmean(moved) < 0.16


def inside(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps of the grid to the right and downwards, where neither crosses from one layer of cloth to another."""
    pixels = grid(flow)
    right, down = (np.diff(pixels, axis=axis)[: SIZE[0] - 1, : SIZE[1] - 1] for axis in (1, 0))
    border = (np.linalg.norm(right, axis=-1) > 5) | (np.linalg.norm(down, axis=-1) > 5)
    keep = np.isfinite(right + down).all(axis=-1) & ~cv2.dilate(border.astype(np.uint8), np.ones((3, 3))).astype(bool)
    return right[keep], down[keep]


def test_the_true_flow_never_folds(root):
    for _, _, flow, _ in worn(root):
        right, down = inside(flow)
        area = right[:, 0] * down[:, 1] - right[:, 1] * down[:, 0]
        assert (area > 0).mean() > 0.99


def test_the_true_flow_bends_little(root):
    for _, _, flow, _ in worn(root):
        pixels = grid(flow)
        for axis in (0, 1):
            bend = np.abs(np.diff(pixels, n=2, axis=axis)).max(axis=-1)
            bend = bend[np.isfinite(bend)]
            assert np.median(bend) < 0.05  # pixels
            assert np.percentile(bend, 90) < 0.4


def test_labels_flow_and_picture_agree_on_where_the_garment_is(root):
    for who, folder in samples(root):
        label, flow = picture(folder, "train_label", who), np.load(folder / "train_flow" / f"{who}.npy")
        assert flow.dtype == np.float16
        assert flow.shape == (2, *SIZE)
        assert label.dtype == np.uint8
        assert label.shape == SIZE
        assert ((label == 4) == np.isfinite(flow).all(axis=0)).all()


def test_every_label_in_use_is_a_viton_label(root):
    used = set()
    for who, folder in samples(root):
        used |= set(np.unique(picture(folder, "train_label", who)).tolist())
    assert {0, 1, 4, 8, 11, 12, 13} <= used <= {0, 1, 4, 8, 9, 10, 11, 12, 13}


def test_densepose_covers_the_body_that_the_labels_show(root):
    used = set()
    for who, folder in samples(root):
        parts, label = np.load(folder / "train_densepose" / f"{who}.npy"), picture(folder, "train_label", who)
        assert parts.dtype == np.uint8
        assert parts.shape == SIZE
        used |= set(np.unique(parts).tolist())
        for name, body in ((11, (4, 15, 17, 19, 21)), (13, (3, 16, 18, 20, 22)), (12, (2, 23, 24))):
            assert (label == name).sum() > 10
            assert np.isin(parts[label == name], body).mean() > 0.85
        assert (parts[label == 4] > 0).mean() > 0.75
    assert {0, 2, 3, 4, 9, 10, *range(15, 25)} == used


def test_key_points_lie_in_the_picture_on_their_body_parts(root):
    parts_of = {0: (23, 24), 2: (2, 16, 18), 3: (16, 18, 20, 22), 5: (2, 15, 17), 6: (15, 17, 19, 21)}
    for who, folder in samples(root):
        people = json.loads((folder / "train_pose" / f"{who}_keypoints.json").read_text())["people"]
        points = np.array(people[0]["pose_keypoints"]).reshape(18, 3)
        found = points[points[:, 2] > 0]
        assert len(found) >= 12
        assert (points[points[:, 2] == 0] == 0).all()
        assert (found[:, :2] >= 0).all()
        assert (found[:, :2] <= np.array(SIZE[::-1]) - 1).all()
        parts = np.load(folder / "train_densepose" / f"{who}.npy")
        for index, expected in parts_of.items():
            x, y = np.round(points[index, :2]).astype(int)
            assert parts[y, x] in expected, (who, index)


def test_the_right_arm_is_on_the_left_of_the_picture():
    body = sample_body(np.random.default_rng(0))
    assert [arm.picture_side for arm in body.arms] == [-1, 1] == list(SIDES)
    assert body.arms[0].joints[0, 0] < body.arms[1].joints[0, 0]


def test_the_edge_covers_what_is_not_backdrop(root):
    for who, folder in samples(root):
        cloth, edge = picture(folder, "train_color", who), picture(folder, "train_edge", who)
        mask = edge > 127
        assert edge.ndim == 2
        assert 0.1 < mask.mean() < 0.6
        assert ((edge > 64) & (edge < 192)).mean() < 0.01  # a mask, though stored as JPEG
        outside = ~cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)
        assert cloth[outside].min() > 200


def test_a_truth_differs_from_the_photo_only_where_the_garments_or_the_arms_do(root):
    folder = root / "VITON_test"
    for path in sorted((folder / "test_truth").iterdir()):
        person = path.stem.split("__")[0]
        number = person[:-2]
        flows = [np.load(folder / "test_flow" / f"{pair}.npy") for pair in (path.stem, f"{person}__{number}_1")]
        garment = np.any([np.isfinite(flow[0]) for flow in flows], axis=0)
        truth, photo = read(path).astype(int), read(folder / "test_img" / f"{person}.jpg").astype(int)
        far = ~cv2.dilate(garment.astype(np.uint8), np.ones((9, 9))).astype(bool)
        assert far.mean() > 0.4
        assert np.abs(truth - photo)[far].mean() < 2
        assert error(truth, photo, garment) > 10


def test_every_unpaired_pair_names_files_and_another_garment(root):
    folder = root / "VITON_test"
    lists = [(folder / name).read_text().splitlines() for name in ("test_pairs.txt", "test_pairs_same.txt")]
    unpaired, paired = ([line.split() for line in lines] for lines in lists)
    assert len(unpaired) == len(paired) == TEST
    assert all(person[:6] != cloth[:6] for person, cloth in unpaired)
    assert all(person[:6] == cloth[:6] for person, cloth in paired)
    assert len({cloth for _, cloth in unpaired}) == TEST
    for person, cloth in unpaired + paired:
        pair = f"{person[:-4]}__{cloth[:-4]}"
        for file in (f"test_img/{person}", f"test_clothes/{cloth}", f"test_edge/{cloth}", f"test_flow/{pair}.npy"):
            assert (folder / file).is_file()
        assert (folder / "test_truth" / f"{pair}.png").is_file() == ([person, cloth] in unpaired)


def test_no_person_is_in_both_splits(root):
    train = {path.stem for path in (root / "VITON_traindata" / "train_img").iterdir()}
    test = {path.stem for path in (root / "VITON_test" / "test_img").iterdir()}
    assert len(train) == TRAIN
    assert len(test) == TEST
    assert not train & test


def test_a_slim_picture_keeps_the_figure_in_proportion(tmp_path):
    write_viton(tmp_path / "slim", 1, 0, SEED, (192, 96))
    write_viton(tmp_path / "usual", 1, 0, SEED, SIZE)
    photo = "VITON_traindata/train_img/000000_0.jpg"
    slim, usual = (read(tmp_path / name / photo) for name in ("slim", "usual"))
    assert slim.shape == (192, 96, 3)
    assert np.abs(slim[32:160].astype(int) - usual).mean() < 5


def test_every_kind_of_garment_and_fabric_turns_up():
    garments = [sample_garment(np.random.default_rng(seed)) for seed in range(300)]
    assert {garment.kind for garment in garments} == set(CUTS)
    assert {garment.fabric.pattern for garment in garments} == set(PATTERNS)
    for garment in garments:
        first, second, _ = garment.fabric.colours
        assert np.abs(first - second).sum() > 100


def test_an_arm_finds_its_own_points_again():
    for seed in range(20):
        for arm in sample_body(np.random.default_rng(seed)).arms:
            t, across = np.meshgrid(np.linspace(-0.2, 2.2, 25), np.linspace(-0.8, 0.8, 5) * ELBOW)
            found, offset = arm.locate(arm.line(t) + arm.outer(t) * across[..., None])
            near = np.abs(across) < 0.5 * ELBOW  # a hand on a shoulder would be nearer to another part of the arm
            np.testing.assert_allclose(found[near], t[near], atol=1e-6)
            np.testing.assert_allclose(offset[near], across[near], atol=1e-6)


def test_a_spline_meets_its_landmarks_and_keeps_an_affine_map():
    rng = np.random.default_rng(0)
    points, elsewhere = rng.uniform(0, 200, (12, 2)), rng.uniform(0, 200, (50, 2))
    target = points + rng.normal(0, 10, points.shape)
    np.testing.assert_allclose(Spline.fit(points, target)(points), target, atol=1e-6)
    matrix, shift = rng.normal(size=(2, 2)), rng.normal(size=2)
    affine = Spline.fit(points, points @ matrix + shift)
    np.testing.assert_allclose(affine(elsewhere), elsewhere @ matrix + shift, atol=1e-6)


def test_the_contact_sheet_shows_as_many_rows_as_asked(root):
    two, three = contact_sheet(root, 2), contact_sheet(root, 3)
    assert two.dtype == np.uint8
    assert two.shape[2] == 3
    assert three.shape[0] > two.shape[0]
    assert two.std() > 40


def test_a_contact_sheet_needs_both_splits(tmp_path):
    write_viton(tmp_path, 1, 0, SEED, (64, 64))
    with pytest.raises(ValueError, match="train >= 1 and test >= 2"):
        contact_sheet(tmp_path)
