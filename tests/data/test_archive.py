"""An archive is unpacked whole into its folder, or nothing is written anywhere."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from vtryon.cli import main
from vtryon.data.files.archive import unpack
from vtryon.data.files.reader import DataError

FILES = {"VITON_test/test_img/000100_0.jpg": b"photo", "VITON_test/test_pairs.txt": b"a b\n", "empty.txt": b""}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as file:
        for name, data in files.items():
            (info := tarfile.TarInfo(name)).size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def special(kind: bytes):
    def make(path: Path) -> Path:
        with tarfile.open(path, "w") as file:
            (info := tarfile.TarInfo("fine.txt")).size = 4
            file.addfile(info, io.BytesIO(b"fine"))
            (info := tarfile.TarInfo("odd")).type = kind
            info.linkname = "/etc/passwd"
            file.addfile(info)
        return path

    return make


def linked(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        (info := zipfile.ZipInfo("odd")).external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    return path


EVIL = {
    **{
        f"{make.__name__} {name}": (lambda path, make=make, name=name: make(path, {"a.txt": b"a", name: b"evil"}))
        for make in (zipped, tarred)
        for name in ("../out.txt", "a/../../out.txt", "/tmp/out.txt", "..\\out.txt", "C:\\out.txt", "\\\\host\\out")
    },
    "zipped link": linked,
    **{
        f"tarred {name}": special(kind)
        for name, kind in {
            **{"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE},
            **{"character device": tarfile.CHRTYPE, "block device": tarfile.BLKTYPE},
        }.items()
    },
    "zip bomb": lambda path: zipped(path, {"a.txt": b"a", "zeros": bytes(64 * 2**20)}),
    "tar bomb": lambda path: tarred(path, {"a.txt": b"a", "zeros": bytes(64 * 2**20)}),
    "same name twice": lambda path: tarred(path, {"a": b"a", "./a": b"b"}),
    "file as folder": lambda path: tarred(path, {"a": b"a", "a/b": b"b"}),
}


def everything_below(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}


@pytest.mark.parametrize("make", [zipped, tarred, lambda path, files: tarred(path, files, "w:xz")])
def test_a_sound_archive_gives_its_files(make, tmp_path):
    archive = make(tmp_path / "archive", FILES)
    assert unpack(archive, tmp_path / "out") == len(FILES)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES
    assert everything_below(tmp_path) & {name.split("/")[0] for name in FILES} == set()


@pytest.mark.parametrize("name", EVIL)
def test_an_evil_archive_is_named_and_leaves_nothing(name, tmp_path):
    archive = EVIL[name](tmp_path / "archive")
    before = everything_below(tmp_path)
    with pytest.raises(DataError):
        unpack(archive, tmp_path / "in" / "out")
    assert everything_below(tmp_path) - before == {"in"}
    assert not Path("/tmp/out.txt").exists()


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_truncated_archive_leaves_nothing(make, tmp_path):
    whole = make(tmp_path / "whole", FILES | {"noise": bytes(range(256)) * 64}).read_bytes()
    for length in (0, 1, 30, len(whole) // 2, len(whole) - 9):
        (archive := tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(DataError, match="cut"):
            unpack(archive, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_not_touched(tmp_path, capsys):
    archive = zipped(tmp_path / "archive", FILES)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert main(["data", "unpack", str(archive), str(tmp_path / "out")]) == 2
    assert "there is something already" in capsys.readouterr().err
    assert everything_below(tmp_path / "out") == {"mine.txt"}


def test_the_verb_unpacks(tmp_path, capsys):
    assert main(["data", "unpack", str(zipped(tmp_path / "archive", FILES)), str(tmp_path / "out")]) == 0
    assert "3 files in" in capsys.readouterr().out
