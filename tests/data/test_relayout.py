"""The same drawn people in every layout give the same samples, with and without DensePose."""

import pytest
import torch

from vtryon.data.checking.summary import serious
from vtryon.data.checking.verify import check
from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files.reader import layout_of
from vtryon.data.sample import collate, finish
from vtryon.data.synthetic.relayout import TARGETS, relayout
from vtryon.data.synthetic.writer import write_viton

SIZE = (64, 64)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn") / "viton"
    write_viton(root, train=4, test=2, size=SIZE)
    return root


def batches(root, cache):
    data = VitonDataModule(root, SIZE, val_size=0, cache=cache)
    data.setup()
    train = finish(collate([data.train_set[index] for index in range(4)]))
    return train, *(finish(collate([samples[0], samples[1]])) for samples in data.test_sets)


@pytest.mark.parametrize("densepose", [True, False])
@pytest.mark.parametrize("name", TARGETS)
def test_a_layout_changes_no_sample(drawn, tmp_path, name, densepose):
    relayout(drawn, tmp_path / name, name, densepose)
    assert layout_of(tmp_path / name).name == name
    expected, *expected_tests = batches(drawn, tmp_path)
    train, *tests = batches(tmp_path / name, tmp_path)
    same = [
        "person",
        "cloth",
        "cloth_edge",
        "pose",
        *(["densepose"] if densepose and TARGETS[name][0].train.densepose else []),
    ]
    for field in same:
        assert torch.equal(getattr(train, field), getattr(expected, field)), field
    parse = torch.where(expected.parse == 7, 4, expected.parse)
    assert torch.equal(train.parse, parse)
    assert train.densepose.unique().numel() > 8
    for test, wanted in zip(tests, expected_tests, strict=True):
        assert torch.equal(test.person, wanted.person)
        assert torch.equal(test.cloth, wanted.cloth)


@pytest.mark.parametrize("name", TARGETS)
def test_data_check_finds_no_fault_in_a_drawn_folder_of_any_layout(drawn, tmp_path, name):
    relayout(drawn, tmp_path / name, name)
    assert serious(check(tmp_path / name)) == []


def test_a_list_that_gives_persons_what_they_do_not_wear_is_refused(drawn, tmp_path):
    relayout(drawn, tmp_path / "viton", "cp_vton")
    lines = (tmp_path / "viton" / "train_pairs.txt").read_text().split()
    shuffled = zip(lines[::2], lines[3::2] + lines[1:2], strict=True)
    (tmp_path / "viton" / "train_pairs.txt").write_text("".join(f"{person} {cloth}\n" for person, cloth in shuffled))
    data = VitonDataModule(tmp_path / "viton", SIZE, val_size=0)
    with pytest.raises(ValueError, match=r"not worn: 4 of 4 lines .*000000_0 000001_1 \(000000_0 wears 000000_1\)"):
        data.setup("fit")
    assert "not worn" in {problem.kind for problem in check(tmp_path / "viton")}


def test_an_unpaired_list_given_as_the_paired_one_is_refused(drawn):
    data = VitonDataModule(drawn, SIZE, val_size=0, test_pairs_same=drawn / "VITON_test" / "test_pairs.txt")
    with pytest.raises(ValueError, match="not worn: 2 of 2 lines"):
        data.setup("test")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_may_begin_with_a_byte_order_mark(drawn, tmp_path, encoding):
    text = (drawn / "VITON_test" / "test_pairs.txt").read_text()
    (tmp_path / "list.txt").write_text(text, encoding=encoding)
    data = VitonDataModule(drawn, SIZE, val_size=0, test_pairs=tmp_path / "list.txt")
    assert data.pairs("unpaired").ids[0] == ("500000_0", "500001_1")


def test_a_pair_that_stands_twice_in_a_list_counts_once(drawn, tmp_path, warned):
    text = (drawn / "VITON_test" / "test_pairs.txt").read_text()
    (tmp_path / "list.txt").write_text(text + text)
    data = VitonDataModule(drawn, SIZE, val_size=0, test_pairs=tmp_path / "list.txt")
    data.setup("test")
    data.protocol()
    assert sum("list.txt: 2 lines repeat a pair" in text for text in warned) == 1
    assert (len(data.test_sets[0]), data.protocol()["pair_count"], len(data.reference_images())) == (2, 2, 2)
