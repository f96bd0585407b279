"""Photos in, photos out, with networks simple enough to know the answer."""

import cv2
import numpy as np
import pytest
from torch import nn

from vtryon.deploy.in_torch import stream_of, try_on
from vtryon.deploy.photo import read_photo, write_photo
from vtryon.deploy.tryon import Pair, read_pairs, try_on_files
from vtryon.models.flow import identity_grid
from vtryon.models.tryon import TryOn

SIZE = (64, 64)


class Paste(nn.Module):
    """Lays the garment over the person where it hangs; with `share=0` the person stays."""

    def __init__(self, share=1.0):
        super().__init__()
        self.share, self.batches = share, []

    def forward(self, person, cloth, cloth_edge):
        self.batches.append(len(person))
        mask = cloth_edge * self.share
        image = cloth * mask + person * (1 - mask)
        flow = identity_grid(*SIZE).expand(len(person), -1, -1, -1)
        return TryOn(image, cloth, cloth_edge, person, mask, flow, (), (), ())

    def stream(self, batches):
        return (self(*batch) for batch in batches)

    def convolutions(self):
        return {}


def test_a_network_that_changes_nothing_gives_the_photo_back():
    person = np.random.default_rng(0).integers(0, 256, (333, 190, 3)).astype(np.uint8)
    cloth, edge = np.zeros((70, 50, 3), np.uint8), np.full((70, 50), 255, np.uint8)
    assert np.array_equal(try_on(Paste(0).eval(), person, cloth, edge, SIZE), person)


def test_the_garment_lands_where_its_mask_says():
    person, cloth = (
        np.full((64, 64, 3), 40, np.uint8),
        np.full((64, 64, 3), 200, np.uint8),
    )
    edge = np.zeros((64, 64), np.uint8)
    edge[10:20, 30:50] = 255
    assert np.array_equal(
        try_on(Paste().eval(), person, cloth, edge, SIZE)[..., 0],
        np.where(edge > 0, 200, 40),
    )


def test_a_garment_without_a_mask_gets_one():
    cloth = np.full((128, 128, 3), 255, np.uint8)
    cloth[32:96, 32:96] = (200, 20, 30)
    out = try_on(Paste().eval(), np.full((64, 64, 3), 40, np.uint8), cloth, size=SIZE)
    assert (out[20:44, 20:44] == (200, 20, 30)).all()
    assert (out[:12] == 40).all()


def test_a_network_in_training_mode_is_refused():
    picture = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match=r"net\.eval\(\)"):
        try_on(Paste().train(), picture, picture, np.full((64, 64), 255, np.uint8), SIZE)


def test_one_bad_file_is_reported_and_the_others_go_on(folder):
    (folder / "images" / "b.png").write_bytes(b"no picture")
    net, ticks = Paste().eval(), []
    pairs = read_pairs(folder / "pairs.txt", folder / "images", folder / "cloths", None, folder / "out")
    failures = try_on_files(stream_of(net), pairs, SIZE, batch=2, done=lambda: ticks.append(1))
    assert len(failures) == 1
    assert "b.png: not a readable picture" in failures[0]
    assert sorted(file.name for file in (folder / "out").iterdir()) == [
        "a__red.png",
        "c__red.png",
    ]
    assert (net.batches, len(ticks)) == ([1, 1], 3)


def test_batching_does_not_change_a_pixel_of_a_simple_network(folder):
    pairs = read_pairs(folder / "pairs.txt", folder / "images", folder / "cloths", None, folder / "out")
    results = []
    for batch in (1, 3):
        assert try_on_files(stream_of(Paste().eval()), pairs, SIZE, batch) == []
        results.append([read_photo(pair.out).image for pair in pairs])
    for alone, together, pair in zip(*results, pairs, strict=True):
        assert np.array_equal(alone, together)
        assert alone.shape == read_photo(pair.person).image.shape


def test_the_mask_file_goes_before_the_garments_transparency_and_that_before_a_made_mask(
    folder,
):
    person = read_photo(folder / "images" / "b.png").image
    cloth = np.dstack([np.full((64, 64, 3), 200, np.uint8), np.zeros((64, 64), np.uint8)])
    cloth[:32, :, 3] = 255
    cv2.imwrite(str(folder / "cut.png"), cloth)
    edge = np.zeros((32, 32, 3), np.uint8)
    edge[:, :14] = 255
    write_photo(folder / "edge.png", edge)  # half the garment's size, the same proportions
    for name, region in {None: np.s_[:32], folder / "edge.png": np.s_[:, :28]}.items():
        pair = Pair(folder / "images" / "b.png", folder / "cut.png", name, folder / "out.png")
        assert try_on_files(stream_of(Paste().eval()), [pair], SIZE) == []
        changed = (read_photo(pair.out).image != person).any(axis=-1)
        assert changed[region].mean() > 0.9
        assert changed.mean() < 0.55


def test_a_mask_of_another_shape_or_empty_is_an_error_with_its_path(folder):
    write_photo(folder / "wide.png", np.full((10, 90, 3), 255, np.uint8))
    write_photo(folder / "empty.png", np.zeros((120, 100, 3), np.uint8))
    for name, reason in {
        "wide.png": "90 x 10 pixels and the garment 100 x 120",
        "empty.png": "black everywhere",
    }.items():
        pair = Pair(
            folder / "images" / "a.png",
            folder / "cloths" / "red.jpg",
            folder / name,
            folder / "out.png",
        )
        (failure,) = try_on_files(stream_of(Paste().eval()), [pair], SIZE)
        assert failure.startswith(str(folder / name))
        assert reason in failure


def test_masks_are_found_under_the_garments_name_in_another_format(folder):
    pairs = read_pairs(
        folder / "pairs.txt",
        folder / "images",
        folder / "cloths",
        folder / "edges",
        folder / "out",
    )
    assert [pair.edge.name for pair in pairs] == ["red.png", "blue.jpg", "red.png"]


def test_the_strip_shows_person_garment_mask_and_result(folder):
    pair = Pair(
        folder / "images" / "b.png",
        folder / "cloths" / "red.jpg",
        None,
        folder / "out.jpg",
    )
    assert try_on_files(stream_of(Paste().eval()), [pair], SIZE, strip=True) == []
    strip = read_photo(folder / "out_strip.png").image
    assert strip.shape == (64, 256, 3)
    assert np.array_equal(strip[:, :64], read_photo(pair.person).image)
    assert (strip[32, 160] == 255).all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a.png\n", r"pairs\.txt:1: expected `person\.jpg garment\.jpg`, got 'a\.png'"),
        ("\n \n", "names no pair"),
        (
            "a.png red.jpg\na.jpg red.jpg\n",
            r"pairs\.txt:2: .* would overwrite .*a__red\.png",
        ),
    ],
)
def test_a_wrong_pair_list_names_the_line(folder, text, reason):
    (folder / "pairs.txt").write_text(text)
    with pytest.raises(ValueError, match=reason):
        read_pairs(
            folder / "pairs.txt",
            folder / "images",
            folder / "cloths",
            None,
            folder / "out",
        )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_pair_list_may_begin_with_a_byte_order_mark(folder, encoding):
    (folder / "pairs.txt").write_text("a.png red.jpg\n", encoding=encoding)
    (pair,) = read_pairs(folder / "pairs.txt", folder / "images", folder / "cloths", None, folder / "out")
    assert pair.person == folder / "images" / "a.png"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_try_on_that_is_not_finite_is_no_picture(value):
    picture = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(FloatingPointError, match="1 of 1 try-ons of this network are not finite"):
        try_on(Paste(value).eval(), picture, picture, np.full((64, 64), 255, np.uint8), SIZE)


def test_a_batch_of_none_is_refused():
    with pytest.raises(ValueError, match="batch=0 must be at least 1"):
        try_on_files(stream_of(Paste().eval()), [], SIZE, batch=0)
