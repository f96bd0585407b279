"""Names of protocols: the same for the same pairs, however they are written, and another for any others."""

import json

import pytest

from vtryon.data.files.pairs import Pairs
from vtryon.data.protocols import PUBLIC, protocol_name


def lists(count: int = 4, shift: int = 1, name: str = "mine.txt") -> dict[str, Pairs]:
    unpaired = [(f"{n:06d}_0", f"{(n + shift) % count:06d}_1") for n in range(count)]
    paired = [(f"{n:06d}_0", f"{n:06d}_1") for n in range(count)]
    return {"unpaired": Pairs(name, "a" * 64, unpaired), "paired": Pairs("same.txt", "b" * 64, paired)}


def named(of: dict[str, Pairs], root, size=(256, 192), **judged: int) -> str:
    return protocol_name(of, root, size, {split: len(pairs.ids) for split, pairs in of.items()} | judged)


def test_a_list_is_called_after_its_file_its_length_and_a_hash_of_its_pairs(tmp_path):
    name = named(lists(), tmp_path)
    assert name.startswith("mine-4-")
    assert name.endswith(" unpaired + paired 256x192")


def test_the_order_of_the_pairs_and_the_hash_of_their_file_do_not_matter(tmp_path):
    shuffled = {split: pairs._replace(sha256="c" * 64, ids=pairs.ids[::-1]) for split, pairs in lists().items()}
    assert named(shuffled, tmp_path) == named(lists(), tmp_path)


@pytest.mark.parametrize("other", [lists(shift=2), lists(count=5)])
def test_other_pairs_have_another_name(tmp_path, other):
    assert named(other, tmp_path) != named(lists(), tmp_path)


def test_another_size_has_another_name(tmp_path):
    assert named(lists(), tmp_path, size=(96, 64)).endswith(" 96x64")


def test_pairs_that_were_left_out_are_told(tmp_path):
    assert "unpaired (first 2) + paired 256x192" in named(lists(), tmp_path, unpaired=2)


def test_a_public_list_has_its_public_name(tmp_path, monkeypatch):
    import hashlib

    for pairs in lists().values():
        text = "".join(sorted(f"{person} {cloth}\n" for person, cloth in pairs.ids))
        monkeypatch.setitem(PUBLIC, hashlib.sha256(text.encode()).hexdigest(), "known-4")
    assert named(lists(), tmp_path) == "known-4 unpaired + paired 256x192"
    half_known = lists() | {"paired": lists(count=5)["paired"]}
    assert not named(half_known, tmp_path).startswith("known-4")


def test_the_same_ids_of_people_drawn_otherwise_are_another_protocol(tmp_path):
    names = []
    for seed in (0, 1):
        (tmp_path / "synthetic.json").write_text(json.dumps({"version": 1, "seed": seed, "size": [96, 64]}))
        names.append(named(lists(), tmp_path))
    assert all(name.startswith("drawn-4-") for name in names)
    assert names[0] != names[1]
