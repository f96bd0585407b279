"""A file is the old one or the new one, never a half, and nothing is left lying about."""

import stat

import pytest

from vtryon.utils.atomic import atomic_write


def test_file_appears_whole_when_the_block_ends(tmp_path):
    target = tmp_path / "runs" / "new" / "row.json"
    with atomic_write(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_failure_keeps_the_old_file_and_leaves_no_other(tmp_path):
    target = tmp_path / "row.json"
    target.write_text("old")

    def write_and_fail():
        with atomic_write(target) as temporary:
            temporary.write_text("half of the new")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_and_fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_temporary_file_lies_beside_the_target_with_its_suffix(tmp_path):
    with atomic_write(str(tmp_path / "picture.png")) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".png"


def test_two_writers_do_not_meet_and_the_last_one_stays(tmp_path):
    target = tmp_path / "row.json"
    with atomic_write(target) as one, atomic_write(target) as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert target.read_text() == "one"  # the outer block ends last


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with atomic_write(tmp_path / "ours") as temporary:
        temporary.touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours")]
    assert modes[0] == modes[1]
