"""A head from the front: hair behind, face, hair before; in half-widths and half-heights of the head."""

import numpy as np

from vtryon.data.synthetic.body import SIDES, Body
from vtryon.data.synthetic.canvas import Canvas, smooth
from vtryon.data.synthetic.look import Look

HAIR, FACE = 1, 12


class Head:
    """Places shapes given in head coordinates: x in half-widths, y in half-heights, downwards, 0 between the eyes."""

    def __init__(self, canvas: Canvas, body: Body, look: Look):
        self.canvas, self.look, self.male = canvas, look, body.male
        cos, sin = np.cos(body.head_tilt), np.sin(body.head_tilt)
        self.turn, self.centre, self.size = (
            np.array([(cos, -sin), (sin, cos)]),
            body.head,
            body.head_size,
        )

    def at(self, points) -> np.ndarray:
        return (np.asarray(points, float) * self.size) @ self.turn.T + self.centre

    def shape(self, points, colour, label=None, blur=0.0, opacity=1.0, mirrored=False):
        """Paint a smooth outline, and its mirror image as well when asked."""
        for flip in (1, -1) if mirrored else (1,):
            patch = self.canvas.polygon(
                self.at(smooth(np.asarray(points) * (flip, 1))), blur=blur
            )
            self.canvas.paint(
                patch._replace(alpha=patch.alpha * opacity), colour, label
            )

    def stroke(self, points, width, colour, blur=0.0, opacity=1.0, mirrored=False):
        for flip in (1, -1) if mirrored else (1,):
            patch = self.canvas.line(
                self.at(smooth(np.asarray(points) * (flip, 1), closed=False)),
                width,
                blur,
            )
            self.canvas.paint(patch._replace(alpha=patch.alpha * opacity), colour)


def outline(male: float) -> np.ndarray:
    jaw = 0.06 * male
    right = [
        (0, -1.06),
        (0.52, -0.99),
        (0.88, -0.66),
        (0.97, -0.15),
        (0.93, 0.3),
        (0.76 + jaw, 0.68),
        (0.42 + jaw, 0.95),
        (0.14, 1.05),
    ]
    return smooth([*right, *((-x, y) for x, y in right[:0:-1])])


def paint_head(canvas: Canvas, body: Body, look: Look):
    """Face and the hair before it; `paint_hair_behind` comes first, before the body."""
    head = Head(canvas, body, look)
    head.shape(
        [(0.92, -0.12), (1.08, -0.16), (1.1, 0.08), (0.98, 0.3), (0.9, 0.2)],
        look.skin * 0.93,
        FACE,
        mirrored=True,
    )
    face = canvas.polygon(head.at(outline(body.male)))
    canvas.paint(face, look.skin, FACE)
    canvas.model(face, 5, 0.13, 0.06)
    _paint_features(head)
    if look.beard:
        _paint_beard(head)
    FRONTS[look.style](head)


def _paint_features(head: Head):
    look, skin = head.look, head.look.skin
    dark = skin * 0.62
    head.shape(
        [(0.3, 0.34), (0.62, 0.3), (0.66, 0.5), (0.36, 0.54)],
        (226, 110, 100),
        blur=2.2,
        opacity=0.28,
        mirrored=True,
    )
    head.shape(
        [(0.2, -0.1), (0.44, -0.2), (0.68, -0.08), (0.44, 0.08)],
        dark,
        blur=1.2,
        opacity=0.2,
        mirrored=True,
    )
    _paint_eyes(head)
    brow = np.minimum(look.hair * 0.75, skin * 0.55)
    head.stroke(
        [(0.2, -0.235), (0.42, -0.285), (0.68, -0.2)],
        1.3 + 0.5 * head.male,
        brow,
        opacity=0.9,
        mirrored=True,
    )
    head.stroke(
        [(0.12, -0.1), (0.09, 0.1), (0.13, 0.3)], 1.6, dark, blur=1.0, opacity=0.4
    )
    head.stroke(
        [(-0.15, 0.33), (0, 0.385), (0.15, 0.33)],
        1.2,
        dark * 0.85,
        blur=0.4,
        opacity=0.75,
    )
    head.shape(
        [(-0.05, -0.05), (0.03, -0.05), (0.05, 0.28), (-0.05, 0.3)],
        np.minimum(skin * 1.12, 255),
        blur=1.0,
        opacity=0.6,
    )
    _paint_mouth(head)


def _paint_eyes(head: Head):
    canvas, lash = head.canvas, (34, 24, 22)
    for side in SIDES:
        eye = canvas.polygon(
            head.at(
                smooth(
                    [
                        (side * x, y)
                        for x, y in (
                            (0.23, 0.02),
                            (0.42, -0.08),
                            (0.62, 0.0),
                            (0.42, 0.065),
                        )
                    ]
                )
            )
        )
        middle = head.at([(side * 0.42, -0.008)])
        canvas.paint(eye, (248, 246, 243))
        canvas.paint(canvas.cut(canvas.discs(middle, 1.6), eye), head.look.iris)
        canvas.paint(canvas.cut(canvas.discs(middle, 0.75), eye), (14, 12, 12))
        canvas.paint(canvas.discs(middle - 0.5, 0.4), (250, 250, 250))
    head.stroke(
        [(0.21, 0.015), (0.42, -0.085), (0.65, -0.02)],
        0.9,
        lash,
        opacity=0.9,
        mirrored=True,
    )
    head.stroke(
        [(0.28, 0.04), (0.42, 0.07), (0.58, 0.03)],
        0.5,
        head.look.skin * 0.6,
        opacity=0.6,
        mirrored=True,
    )
    if head.look.glasses:
        ring = smooth(
            [
                (0.1, -0.03),
                (0.2, -0.17),
                (0.62, -0.19),
                (0.78, -0.05),
                (0.66, 0.18),
                (0.24, 0.18),
            ],
            steps=2,
        )
        head.stroke([*ring, ring[0]], 0.7, (48, 40, 38), opacity=0.85, mirrored=True)
        head.stroke([(-0.1, -0.04), (0, -0.07), (0.1, -0.04)], 0.7, (48, 40, 38))


def _paint_mouth(head: Head):
    lips, lift = head.look.lips, 0.045 * head.look.smile
    corner, wide = 0.60 - lift, 0.27 + 0.06 * head.look.smile
    head.shape(
        [
            (-wide, corner),
            (-0.1, 0.555),
            (0, 0.57),
            (0.1, 0.555),
            (wide, corner),
            (0, 0.63),
        ],
        lips * 0.92,
    )
    head.shape(
        [(-wide, corner), (0, 0.62), (wide, corner), (0.13, 0.71), (-0.13, 0.71)], lips
    )
    if head.look.smile > 0.6:
        head.shape(
            [
                (-wide * 0.75, corner + 0.008),
                (0, 0.61),
                (wide * 0.75, corner + 0.008),
                (0, 0.665),
            ],
            (250, 248, 245),
        )
    else:
        head.stroke([(-wide, corner), (0, 0.622), (wide, corner)], 0.7, lips * 0.55)
    head.stroke(
        [(-0.13, 0.78), (0, 0.795), (0.13, 0.78)],
        1.5,
        head.look.skin * 0.7,
        blur=0.8,
        opacity=0.4,
    )


def _paint_beard(head: Head):
    right = [(0.97, 0.0), (0.95, 0.35), (0.84, 0.74), (0.46, 1.02), (0.0, 1.1)]
    inner = [(0.0, 0.76), (0.36, 0.7), (0.4, 0.5), (0.72, 0.4), (0.88, 0.0)]
    points = smooth(
        [
            *right,
            *((-x, y) for x, y in right[-2::-1]),
            *((-x, y) for x, y in inner[::-1]),
            *inner[1:],
        ]
    )
    patch = head.canvas.polygon(head.at(points), blur=0.8)
    head.canvas.paint(
        patch._replace(alpha=patch.alpha * 0.8), head.look.hair * 0.9, FACE
    )
    head.stroke(
        [(-0.34, 0.53), (-0.12, 0.475), (0.12, 0.475), (0.34, 0.53)],
        2.2,
        head.look.hair * 0.9,
        blur=0.4,
        opacity=0.75,
    )


def paint_hair_behind(canvas: Canvas, body: Body, look: Look):
    head = Head(canvas, body, look)
    back = {
        "bob": [
            (0, -1.3),
            (0.9, -1.1),
            (1.3, -0.3),
            (1.36, 0.5),
            (1.22, 0.98),
            (0.6, 1.08),
            (0, 1.1),
        ],
        "long": [
            (0, -1.3),
            (0.9, -1.1),
            (1.26, -0.3),
            (1.36, 0.7),
            (1.48, 1.7),
            (1.25, 2.2),
            (0.5, 2.3),
            (0, 2.3),
        ],
        "wavy": [
            (0, -1.32),
            (0.95, -1.12),
            (1.36, -0.4),
            (1.42, 0.2),
            (1.62, 0.8),
            (1.52, 1.3),
            (1.66, 1.75),
            (1.2, 2.1),
            (0.5, 2.1),
            (0, 2.0),
        ],
    }.get(look.style)
    if back is not None:
        points = smooth([*back, *((-x, y) for x, y in back[-2:0:-1])])
        patch = canvas.polygon(head.at(points))
        canvas.paint(patch, look.hair * 0.8, HAIR)
        canvas.model(patch, 5, 0.25, 0.1)
    elif look.style == "ponytail":
        side = np.sign(look.parting)
        tail = np.array(
            [
                (0.5, -1.0),
                (1.25, -0.6),
                (1.5, 0.3),
                (1.42, 1.3),
                (1.25, 1.7),
                (1.1, 1.2),
                (1.0, 0.2),
            ]
        ) * (side, 1)
        head.shape(tail, look.hair * 0.82, HAIR)
    elif look.style == "bun":
        canvas.paint(
            canvas.discs(head.at([(0, -1.42)]), head.size[0] * 0.55),
            look.hair * 0.85,
            HAIR,
        )
    elif look.style == "afro":
        _curls(head, 1.52, 0.2, look.hair * 0.85)


def _cap(
    head: Head,
    hairline: list[tuple[float, float]],
    rise: float = 1.24,
    low: float = 0.05,
):
    """Hair over the skull: the outside from ear to ear, then back along the hairline; some strands give it light."""
    outside = [
        (-1.02, low),
        (-1.12, -0.35),
        (-0.98, -0.85),
        (-0.52, -rise + 0.06),
        (0, -rise),
        (0.52, -rise + 0.06),
        (0.98, -0.85),
        (1.12, -0.35),
        (1.02, low),
    ]
    points = np.concatenate(
        [smooth(outside, closed=False), smooth(hairline, closed=False)]
    )
    patch = head.canvas.polygon(head.at(points))
    head.canvas.paint(patch, head.look.hair, HAIR)
    head.canvas.model(patch, 2.5, 0.3, 0.12)
    light = np.minimum(head.look.hair * 1.35 + 18, 255)
    shine = head.canvas.line(
        head.at([(-0.75, -0.72), (-0.4, -0.95), (0.1, -1.02)]), 2.2, blur=1.4
    )
    head.canvas.paint(
        head.canvas.cut(shine._replace(alpha=shine.alpha * 0.5), patch), light
    )


def _parted(head: Head, drop: float = 0.12):
    p = head.look.parting
    _cap(
        head,
        [
            (0.93, drop),
            (0.9, -0.28),
            (0.78 + 0.1 * p, -0.52),
            (p, -0.86),
            (-0.78 + 0.1 * p, -0.52),
            (-0.9, -0.28),
            (-0.93, drop),
        ],
        low=drop,
    )
    head.stroke(
        [(p, -0.86), (p * 0.9, -1.12), (p * 0.8, -1.22)],
        0.8,
        head.look.hair * 0.55,
        opacity=0.8,
    )


def _short(head: Head):
    p = np.sign(head.look.parting)
    line = [
        (0.93, -0.02),
        (0.88, -0.35),
        (0.74, -0.6),
        (0.3, -0.7 - 0.06 * p),
        (-0.3, -0.7 + 0.06 * p),
        (-0.74, -0.6),
        (-0.88, -0.35),
        (-0.93, -0.02),
    ]
    _cap(head, line, low=-0.02)


def _quiff(head: Head):
    line = [
        (0.92, -0.05),
        (0.86, -0.4),
        (0.72, -0.68),
        (0.2, -0.82),
        (-0.3, -0.8),
        (-0.72, -0.68),
        (-0.86, -0.4),
        (-0.92, -0.05),
    ]
    _cap(head, line, rise=1.36, low=-0.05)
    s = np.sign(head.look.parting)
    for k in (0.0, 0.25, 0.5):
        head.stroke(
            [(s * (0.6 - k), -0.8), (s * (0.35 - k), -1.12), (s * (-0.2 - k), -1.24)],
            0.7,
            head.look.hair * 0.6,
            opacity=0.6,
        )


def _buzz(head: Head):
    line = [
        (0.94, -0.15),
        (0.86, -0.48),
        (0.7, -0.7),
        (0, -0.78),
        (-0.7, -0.7),
        (-0.86, -0.48),
        (-0.94, -0.15),
    ]
    _cap(head, line, rise=1.17, low=-0.15)


def _fringe(head: Head):
    line = [
        (0.95, 0.3),
        (0.86, -0.2),
        (0.6, -0.36),
        (0.2, -0.4),
        (-0.2, -0.4),
        (-0.6, -0.36),
        (-0.86, -0.2),
        (-0.95, 0.3),
    ]
    _cap(head, line, low=0.3)
    for x in (-0.5, -0.2, 0.15, 0.5):
        head.stroke(
            [(x * 0.6, -1.1), (x * 0.9, -0.75), (x, -0.44)],
            0.6,
            head.look.hair * 0.6,
            opacity=0.55,
        )


def _locks(head: Head):
    """Parted hair with long strands beside the face, before the shoulders when the look says so."""
    _parted(head, 0.35)
    end = 2.45 if head.look.front_locks else 0.85
    lock = [
        (0.98, -0.5),
        (1.16, 0.1),
        (1.28, 0.8 * end / 1.6),
        (1.3, end),
        (1.1, end + 0.06),
        (0.98, 0.5 * end),
        (0.9, 0.0),
    ]
    for flip in (1, -1):
        patch = head.canvas.polygon(head.at(smooth(np.asarray(lock) * (flip, 1))))
        head.canvas.paint(patch, head.look.hair, HAIR)
        head.canvas.model(patch, 2.0, 0.3, 0.12)
        for x in (1.06, 1.16):
            strand = np.array(
                [(x - 0.05, 0.0), (x, 0.5 * end), (x + 0.05, end - 0.1)]
            ) * (flip, 1)
            head.stroke(strand, 0.6, head.look.hair * 0.65, opacity=0.5)


def _curls(head: Head, spread: float, low: float, colour: np.ndarray):
    """A cloud of curls round the skull."""
    t = np.linspace(-np.pi - low, low, 22)
    ring = np.stack([np.cos(t), np.sin(t)], axis=-1)
    wobble = 1 + 0.05 * np.sin(9 * t + 3 * head.look.parting)
    centres = np.concatenate(
        [ring * ((spread - 0.3) * wobble)[:, None], ring * (spread - 0.62), ring * 0.45]
    )
    patch = head.canvas.discs(
        head.at(centres * (1, 0.88) + (0, -0.25)), head.size[0] * 0.36
    )
    head.canvas.paint(patch, colour, HAIR)
    head.canvas.model(patch, 3, 0.3, 0.12)


def _afro(head: Head):
    line = [
        (0.95, 0.05),
        (0.9, -0.3),
        (0.66, -0.58),
        (0.2, -0.66),
        (-0.2, -0.66),
        (-0.66, -0.58),
        (-0.9, -0.3),
        (-0.95, 0.05),
    ]
    _cap(head, line, rise=1.5)


def _curly_top(head: Head):
    _short(head)
    t = np.linspace(-np.pi + 0.35, -0.35, 15)
    centres = np.stack([0.95 * np.cos(t), -0.4 + 0.72 * np.sin(t)], axis=-1)
    more = np.stack([0.62 * np.cos(t), -0.5 + 0.5 * np.sin(t)], axis=-1)
    patch = head.canvas.discs(head.at(np.concatenate([centres, more])), 3.4)
    head.canvas.paint(patch, head.look.hair, HAIR)
    head.canvas.model(patch, 2, 0.3, 0.12)


FRONTS = {
    "short": _short, "crop": _short, "quiff": _quiff, "buzz": _buzz, "curls": _curly_top, "bob": _fringe, "long": _locks, "wavy": _locks,
    "bun": _parted, "ponytail": _parted, "afro": _afro,
}  # fmt: skip
