"""Tell by its first bytes a file that is not what its name promises: a git-LFS pointer, a web page, a HEIC photo."""

from typing import NamedTuple

HEAD = 256  # bytes that tell every kind
_AGAIN = "the server answered the download with a page (a log-in, a quota, an error): download the file again"
_SAVE = "save the picture as JPEG, PNG or WebP"
_FETCH = "fetch the file itself: run `git {}` where it was cloned"


class FileKind(NamedTuple):
    """What a file really is, and what its owner can do."""

    name: str  # with its article: "a web page"
    remedy: str
    is_picture: bool = False  # one that vtryon reads under its own suffix


_MAGIC: tuple[tuple[bytes, FileKind], ...] = (
    (
        b"version https://git-lfs",
        FileKind("a git-LFS pointer", _FETCH.format("lfs pull")),
    ),
    (
        b"/annex/objects/",
        FileKind("a git-annex pointer", _FETCH.format("annex get")),
    ),
    (b"%PDF", FileKind("a PDF document", _SAVE)),
    (b"GIF8", FileKind("a GIF picture", _SAVE)),
    (b"BM", FileKind("a BMP picture", _SAVE)),
    (b"II*\0", FileKind("a TIFF picture", _SAVE)),
    (b"MM\0*", FileKind("a TIFF picture", _SAVE)),
    (b"\0\0\0\x0cjP  ", FileKind("a JPEG 2000 picture", _SAVE)),
    (b"\xff\x0a", FileKind("a JPEG XL picture", _SAVE)),
    (b"\0\0\0\x0cJXL ", FileKind("a JPEG XL picture", _SAVE)),
    (b"\x89PNG\r\n\x1a\n", FileKind("a PNG picture", "give it the suffix .png", is_picture=True)),
    (b"\xff\xd8\xff", FileKind("a JPEG picture", "give it the suffix .jpg", is_picture=True)),
    (b"\x93NUMPY", FileKind("a NumPy array", "give it the suffix .npy")),
    (b"\x1f\x8b", FileKind("a gzip file", "unpack it: `vtryon data unpack`")),
    (b"7z\xbc\xaf\x27\x1c", FileKind("a 7z archive", "unpack it")),
    (b"Rar!", FileKind("a RAR archive", "unpack it")),
)
_BRANDS = {  # of ISO media files, after "ftyp"
    b"heic": "a HEIC picture",
    b"heix": "a HEIC picture",
    b"mif1": "a HEIC picture",
    b"msf1": "a HEIC picture",
    b"avif": "an AVIF picture",
    b"avis": "an AVIF picture",
}
_MARKUP = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")


def file_kind(head: bytes) -> FileKind | None:
    """The kind of a file by its first `HEAD` bytes; None for text, weights and whatever else is not in the table.

    A reader calls this after it has refused a file, to say what the file is: a picture is no fault in itself.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return FileKind(_BRANDS[head[8:12]], _SAVE)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FileKind("a WebP picture", "give it the suffix .webp", is_picture=True)
    text = head[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_MARKUP) or (text.startswith((b"<?xml", b"<!--")) and b"<html" in text):
        return FileKind("a web page", _AGAIN)
    if text.startswith(b'{"error"') or (text.startswith(b"<?xml") and b"<error" in text):
        return FileKind("a server's error message", _AGAIN)
    return None
