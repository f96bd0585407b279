"""Hair from the front: what hangs behind a head and what covers the skull, in head coordinates."""

import numpy as np

from vtryon.data.synthetic.canvas import Canvas, Patch, smooth
from vtryon.data.synthetic.figure.appearance import Look
from vtryon.data.synthetic.figure.body import Body
from vtryon.data.synthetic.figure.face import Head, mirrored

HAIR = 1
BEHIND = {  # from the crown down the right-hand side
    "bob": [(0, -1.3), (0.9, -1.1), (1.3, -0.3), (1.36, 0.5), (1.22, 0.98), (0.6, 1.08), (0, 1.1)],
    "long": [(0, -1.3), (0.9, -1.1), (1.26, -0.3), (1.36, 0.7), (1.48, 1.7), (1.25, 2.2), (0.5, 2.3), (0, 2.3)],
    "wavy": [(0, -1.32), (0.95, -1.12), (1.36, -0.4), (1.45, 0.3), (1.62, 0.8), (1.52, 1.3), (1.6, 1.8), (0, 2.1)],
}
TAIL = [(0.5, -1.0), (1.25, -0.6), (1.5, 0.3), (1.42, 1.3), (1.25, 1.7), (1.1, 1.2), (1.0, 0.2)]
HAIRLINES = {  # from the middle of the forehead to the right ear
    "short": [(0.3, -0.7), (0.74, -0.6), (0.88, -0.35), (0.93, -0.02)],
    "quiff": [(0.25, -0.81), (0.72, -0.68), (0.86, -0.4), (0.92, -0.05)],
    "buzz": [(0, -0.78), (0.7, -0.7), (0.86, -0.48), (0.94, -0.15)],
    "fringe": [(0.2, -0.4), (0.6, -0.36), (0.86, -0.2), (0.95, 0.3)],
    "afro": [(0.2, -0.66), (0.66, -0.58), (0.9, -0.3), (0.95, 0.05)],
}


def paint_hair_behind(canvas: Canvas, body: Body, look: Look):
    """What the body covers."""
    head, colour = Head(canvas, body, look), look.hair * 0.82
    if look.style in BEHIND:
        half = BEHIND[look.style]
        _lock(head, canvas.polygon(head.at(smooth([*half, *((-x, y) for x, y in half[-2:0:-1])]))), colour, 5.0)
    elif look.style == "ponytail":
        head.shape(np.array(TAIL) * (np.sign(look.parting), 1), colour, HAIR)
    elif look.style == "bun":
        canvas.paint(canvas.discs(head.at([(0, -1.42)]), head.size[0] * 0.55), colour, HAIR)
    elif look.style == "afro":
        _paint_cloud(head, colour)


def paint_hair_before(canvas: Canvas, body: Body, look: Look):
    """What covers the skull and, for long hair, falls beside the face or before the shoulders."""
    head = Head(canvas, body, look)
    PAINT[look.style](head)


def _lock(head: Head, patch: Patch, colour: np.ndarray, radius: float):
    head.canvas.surface(patch, colour, HAIR, radius, 0.28)


def _paint_cap(head: Head, hairline: list[tuple[float, float]], rise: float = 1.24):
    """From ear to ear over the skull and back along the hairline, with a shine."""
    low = hairline[-1][1]
    right_edge = [(0, -rise), (0.52, 0.06 - rise), (0.98, -0.85), (1.12, -0.35), (1.02, low)]
    outside = [*((-x, y) for x, y in right_edge[:0:-1]), *right_edge]
    patch = head.canvas.polygon(
        head.at(np.concatenate([smooth(line, closed=False) for line in (outside, hairline[::-1])]))
    )
    _lock(head, patch, head.look.hair, 2.5)
    shine = head.canvas.line(head.at([(-0.75, -0.72), (-0.4, -0.95), (0.1, -1.02)]), 2.2, blur=1.4)
    light = np.minimum(head.look.hair * 1.35 + 18, 255)
    head.canvas.paint(head.canvas.cut(shine._replace(alpha=shine.alpha * 0.5), patch), light)


def _paint_even(head: Head, name: str, rise: float = 1.24):
    """A hairline that is the same on both sides."""
    _paint_cap(head, mirrored(HAIRLINES[name][::-1])[::-1], rise)


def _paint_quiff(head: Head):
    _paint_even(head, "quiff", 1.36)
    parting_side = np.sign(head.look.parting)
    for k in (0.0, 0.25, 0.5):
        strand = np.array([(0.6 - k, -0.8), (0.35 - k, -1.12), (-0.2 - k, -1.24)]) * (parting_side, 1)
        head.stroke(strand, 0.7, head.look.hair * 0.6, opacity=0.6)


def _paint_parted(head: Head, drop: float = 0.12):
    p = head.look.parting
    left, right = (
        [(x * picture_side + 0.1 * p * (x < 0.8), y) for x, y in ((0.78, -0.52), (0.9, -0.28), (0.93, drop))]
        for picture_side in (-1, 1)
    )
    _paint_cap(head, [*left[::-1], (p, -0.86), *right])
    head.stroke([(p, -0.86), (p * 0.9, -1.12), (p * 0.8, -1.22)], 0.8, head.look.hair * 0.55, opacity=0.8)


def _paint_fringe(head: Head):
    _paint_even(head, "fringe")
    for x in (-0.5, -0.2, 0.15, 0.5):
        head.stroke([(x * 0.6, -1.1), (x * 0.9, -0.75), (x, -0.44)], 0.6, head.look.hair * 0.6, opacity=0.55)


def _paint_strands(head: Head):
    """Parted hair, long beside the face; before the shoulders when the look says so."""
    _paint_parted(head, 0.35)
    tip = 2.45 if head.look.front_locks else 0.85
    lock = [(0.98, -0.5), (1.16, 0.1), (1.28, tip / 2), (1.3, tip), (1.1, tip + 0.06), (0.98, tip / 2), (0.9, 0.0)]
    for flip in (1, -1):
        _lock(head, head.canvas.polygon(head.at(smooth(np.array(lock) * (flip, 1)))), head.look.hair, 2.0)
    for x in (1.06, 1.16):
        strand = [(x - 0.05, 0.0), (x, 0.5 * tip), (x + 0.05, tip - 0.1)]
        head.stroke(strand, 0.6, head.look.hair * 0.65, opacity=0.5, mirrored=True)


def _ring(last_angle: float, count: int, radius: np.ndarray | float = 1.0) -> np.ndarray:
    """Points over the skull between two angles that lie evenly about the crown."""
    t = np.linspace(-np.pi - last_angle, last_angle, count)
    return np.stack([radius * np.cos(t), radius * np.sin(t)], axis=-1)


def _paint_cloud(head: Head, colour: np.ndarray):
    """An afro's outline of curls."""
    wobble = 1.22 * (1 + 0.05 * np.sin(9 * np.linspace(-np.pi - 0.2, 0.2, 22) + 3 * head.look.parting))
    centres = np.concatenate([_ring(0.2, 22, wobble), _ring(0.2, 22, 0.9), _ring(0.2, 22, 0.45)])
    _lock(head, head.canvas.discs(head.at(centres * (1, 0.88) - (0, 0.25)), head.size[0] * 0.36), colour, 3.0)


def _paint_curls(head: Head):
    _paint_even(head, "short")
    centres = np.concatenate([_ring(-0.35, 15) * (0.95, 0.72) - (0, 0.4), _ring(-0.35, 15) * (0.62, 0.5) - (0, 0.5)])
    _lock(head, head.canvas.discs(head.at(centres), 3.4), head.look.hair, 2.0)


PAINT = {
    "short": lambda head: _paint_even(head, "short"),
    "buzz": lambda head: _paint_even(head, "buzz", 1.17),
    "afro": lambda head: _paint_even(head, "afro", 1.5),
    "quiff": _paint_quiff,
    "curls": _paint_curls,
    "bob": _paint_fringe,
    "long": _paint_strands,
    "wavy": _paint_strands,
    "bun": _paint_parted,
    "ponytail": _paint_parted,
}
