"""`fd_efficientnet` on photographs: more of a fault that a try-on can have is a larger distance."""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image, ImageFilter

from vtryon.data.synthetic.writer import write_viton
from vtryon.metrics.realism import frechet_distance, kernel_distance
from vtryon.models.features.efficientnet import EfficientNetLite0Pooled

HEIGHT, WIDTH = 128, 96
COUNT = 16


def crops(photo: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    corners = random.integers(0, (photo.shape[0] - HEIGHT, photo.shape[1] - WIDTH), (count, 2))
    return [photo[y : y + HEIGHT, x : x + WIDTH] for y, x in corners]


def dress(scene: np.ndarray, cloth: np.ndarray, down: int = 0, right: int = 0) -> np.ndarray:
    """A piece of another photograph, worn as a torso with two sleeves, moved off its place by some pixels."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    v, u = (y - down) / HEIGHT, (x - right) / WIDTH
    torso = (abs(u - 0.5) < 0.22) & (v > 0.3) & (v < 0.8)
    sleeves = (abs(abs(u - 0.5) - 0.27) < 0.08) & (v > 0.32) & (v < 0.55)
    moved = np.roll(cloth, (down, right), (0, 1))
    return np.where((torso | sleeves)[..., None], moved, scene)


@pytest.fixture(scope="module")
def wardrobe():
    """Scenes and the garments that are worn in them, cut from four photographs; and garments from two others."""
    each = COUNT // 4
    photos = [
        skimage.data.astronaut(),
        skimage.data.coffee(),
        skimage.data.chelsea(),
        skimage.data.rocket(),
    ]
    scenes = [crop for seed, photo in enumerate(photos) for crop in crops(photo, each, seed)]
    worn = [crop for seed, photo in enumerate(photos[1:] + photos[:1]) for crop in crops(photo, each, 9 + seed)]
    strange = [skimage.data.immunohistochemistry(), skimage.data.hubble_deep_field()]
    others = [crop for pair in zip(*(crops(photo, COUNT // 2, 20) for photo in strange), strict=True) for crop in pair]
    return scenes, worn, others


@pytest.fixture(scope="module")
def features():
    net = EfficientNetLite0Pooled()

    def of(pictures):
        return net(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous())

    return of


def blur(pictures, radius):
    return [np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius))) for picture in pictures]


def noise(pictures, deviation):
    random = np.random.default_rng(0)
    faulty = [picture + deviation * random.standard_normal(picture.shape) for picture in pictures]
    return [picture.round().clip(0, 255).astype(np.uint8) for picture in faulty]


def jpeg(pictures, loss):
    def recode(picture):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=100 - loss)
        return np.asarray(Image.open(buffer))

    return [recode(picture) for picture in pictures]


@pytest.fixture(scope="module")
def real(wardrobe, features):
    scenes, worn, _ = wardrobe
    pictures = [dress(scene, cloth) for scene, cloth in zip(scenes, worn, strict=True)]
    return pictures, features(pictures)


def assert_grows(real, sets):
    frechet = [frechet_distance(features, real) for features in [real, *sets]]
    kernel = [kernel_distance(features, real) for features in [real, *sets]]
    assert frechet[0] < 1e-6
    assert all(later > 1.3 * earlier for earlier, later in pairwise(frechet)), frechet
    assert all(later > earlier for earlier, later in pairwise(kernel)), kernel


@pytest.mark.parametrize(
    ("fault", "strengths"),
    [(blur, (0.5, 1, 3)), (noise, (2, 8, 32)), (jpeg, (20, 60, 90))],
)
def test_distance_grows_with_a_fault_of_the_picture(fault, strengths, real, features):
    pictures, reference = real
    assert_grows(reference, [features(fault(pictures, strength)) for strength in strengths])


def test_distance_grows_as_the_garment_slips(wardrobe, real, features):
    scenes, worn, _ = wardrobe
    slipped = [[dress(s, c, step, step) for s, c in zip(scenes, worn, strict=True)] for step in (2, 6, 18)]
    assert_grows(real[1], [features(pictures) for pictures in slipped])


def test_distance_grows_with_the_share_of_swapped_garments(wardrobe, real, features):
    scenes, worn, others = wardrobe
    swapped = [
        [dress(scenes[i], others[i] if i % 4 < quarters else worn[i]) for i in range(COUNT)] for quarters in (1, 2, 4)
    ]
    assert_grows(real[1], [features(pictures) for pictures in swapped])


@pytest.fixture(scope="module")
def worn_as_shown(tmp_path_factory):
    """Of a procedural test folder: its people, them in the next garment, that garment's place, and it unwarped."""
    root = tmp_path_factory.mktemp("synthetic")
    write_viton(root, train=0, test=48, seed=0, size=(HEIGHT, WIDTH))
    folder = root / "VITON_test"
    pairs = [line.split() for line in (folder / "test_pairs.txt").read_text().splitlines()]
    names = [f"{Path(person).stem}__{Path(cloth).stem}" for person, cloth in pairs]
    people = [read(folder / "test_img" / person) for person, _ in pairs]
    dressed = [read(folder / "test_truth" / f"{name}.png") for name in names]
    places = [~np.isnan(np.load(folder / "test_flow" / f"{name}.npy")).any(0) for name in names]
    cloths = [read(folder / "test_clothes" / cloth) for _, cloth in pairs]
    edges = [read(folder / "test_edge" / cloth)[..., :1] > 127 for _, cloth in pairs]
    pasted = [np.where(edge, cloth, person) for edge, cloth, person in zip(edges, cloths, people, strict=True)]
    return people, dressed, places, pasted


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.slow
def test_distance_to_people_in_other_garments_grows_as_try_ons_get_worse(worn_as_shown, features):
    """As in an unpaired test: no try-on has its truth in the reference, so a perfect one is at some distance."""
    people, dressed, places, pasted = worn_as_shown

    def slip(picture, place, step):
        moved = np.roll(place, (step, step), (0, 1))[..., None]
        return np.where(moved, np.roll(picture, (step, step), (0, 1)), picture)

    slipped = [[slip(*one, step) for one in zip(dressed, places, strict=True)] for step in (0, 2, 4, 8)]
    unwarped = [[pasted[i] if i % 4 < share else dressed[i] for i in range(len(dressed))] for share in (1, 2, 4)]
    real = features(people)
    for worse in (slipped, slipped[:1] + unwarped):
        distances = [frechet_distance(features(pictures), real) for pictures in worse]
        assert distances == sorted(distances)
        assert distances[-1] > 1.2 * distances[0]
