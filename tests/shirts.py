"""A drawn shirt, its mask in every form in which people save one, and colour profiles made of published primaries."""

import io
import struct

import cv2
import numpy as np
from PIL import Image

SIZE = (128, 96)
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))  # XYZ under D50
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def shirt(size=SIZE):
    """True inside a shirt with two sleeves, off the border."""
    height, width = size
    outline = np.array(
        [(30, 20), (66, 20), (86, 60), (74, 66), (66, 50), (68, 112), (28, 112), (30, 50), (22, 66), (10, 60)]
    )
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [(outline * (width / 96, height / 128)).astype(np.int32)], 1)
    return mask.astype(bool)


def garment(size=SIZE, colour=(160, 40, 60)):
    """A photo of the shirt before a light backdrop, RGB."""
    rng = np.random.default_rng(0)
    photo = np.full((*size, 3), 236.0)
    photo[shirt(size)] = colour
    return np.clip(photo + rng.normal(0, 1.5, photo.shape), 0, 255).astype(np.uint8)


def png(pixels, mode=None, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels, mode)
    image.save(file := io.BytesIO(), "PNG", **options)
    return file.getvalue()


def palette(ids, colours):
    """A palette picture; `colours` are those of the first ids."""
    image = Image.fromarray(ids.astype(np.uint8), "P")
    image.putpalette([value for colour in colours for value in colour])
    return image


def rounded(size=SIZE, radius=12):
    """An alpha channel whose corners are rounded."""
    height, width = size
    alpha = np.zeros(size, np.uint8)
    alpha[radius:-radius], alpha[:, radius : width - radius] = 255, 255
    for y in (radius, height - radius - 1):
        for x in (radius, width - radius - 1):
            cv2.circle(alpha, (x, y), radius, 255, -1)
    return alpha


def profile(primaries, gamma=None):
    """An ICC 2.1 display profile of three primaries; the curve is sRGB's where no gamma is given."""
    if gamma is None:
        x = np.linspace(0, 1, 1024)
        curve = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
        table = struct.pack(">4sII1024H", b"curv", 0, 1024, *np.round(curve * 65535).astype(int))
    else:
        table = struct.pack(">4sIIH", b"curv", 0, 1, round(gamma * 256))
    text = b"a test profile\0"
    tags = {b"desc": struct.pack(">4sII", b"desc", 0, len(text)) + text + bytes(78), b"wtpt": _xyz(0.9642, 1.0, 0.8249)}
    tags |= {name: _xyz(*primary) for name, primary in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), table) | {b"cprt": struct.pack(">4sI", b"text", 0) + b"none\0"}
    at, index, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        index += struct.pack(">4sII", name, at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s12x4s", size, b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return (
        head.ljust(68, b"\0") + _xyz(0.9642, 1.0, 0.8249)[8:] + bytes(48) + struct.pack(">I", len(tags)) + index + body
    )


def _xyz(*values):
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(value * 65536) for value in values))
