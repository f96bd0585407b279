"""A face from the front, drawn in head coordinates: x in half-widths, y in half-heights, 0 between the eyes."""

import numpy as np

from vtryon.data.synthetic.canvas import Canvas, smooth
from vtryon.data.synthetic.figure.appearance import Look
from vtryon.data.synthetic.figure.body import SIDES, Body

FACE = 12
LASH, FRAME, TEETH = (34, 24, 22), (48, 40, 38), (250, 248, 245)


def paint_face(canvas: Canvas, body: Body, look: Look):
    """Ears, face, features and beard."""
    head = Head(canvas, body, look)
    ear = [(0.92, -0.12), (1.08, -0.16), (1.1, 0.08), (0.98, 0.3), (0.9, 0.2)]
    head.shape(ear, look.skin * 0.93, FACE, mirrored=True)
    canvas.surface(canvas.polygon(head.at(face_outline(body.male))), look.skin, FACE, 5.0, 0.13)
    _paint_relief(head)
    _paint_eyes(head)
    if look.beard:
        _paint_beard(head)
    _paint_mouth(head)
    if look.glasses:
        _paint_glasses(head)


class Head:
    """Places and paints shapes given in head coordinates."""

    def __init__(self, canvas: Canvas, body: Body, look: Look):
        self.canvas, self.look, self.male = canvas, look, body.male
        self.at, self.size = body.on_head, body.head_size

    def shape(self, points, colour, label=None, blur=0.0, opacity=1.0, mirrored=False):
        """Paint a smooth outline, and its mirror image as well when asked."""
        for flip in (1, -1) if mirrored else (1,):
            patch = self.canvas.polygon(self.at(smooth(np.asarray(points) * (flip, 1))), blur=blur)
            self.canvas.paint(patch._replace(alpha=patch.alpha * opacity), colour, label)

    def stroke(self, points, width, colour, blur=0.0, opacity=1.0, mirrored=False):
        """A smooth line, `width` and `blur` in units."""
        for flip in (1, -1) if mirrored else (1,):
            curve = smooth(np.asarray(points) * (flip, 1), closed=False)
            patch = self.canvas.line(self.at(curve), width, blur)
            self.canvas.paint(patch._replace(alpha=patch.alpha * opacity), colour)


def mirrored(right) -> list[tuple[float, float]]:
    """A line from the middle down the right-hand side, closed by its mirror image."""
    return [*right, *((-x, y) for x, y in right[::-1] if x)]


def face_outline(male: float) -> np.ndarray:
    jaw = 0.06 * male
    skull = [(0, -1.06), (0.52, -0.99), (0.88, -0.66), (0.97, -0.15)]
    return smooth(mirrored([*skull, (0.93, 0.3), (0.76 + jaw, 0.68), (0.42 + jaw, 0.95), (0.14, 1.05)]))


def _paint_relief(head: Head):
    skin = head.look.skin
    dark = skin * 0.62
    cheek = [(0.3, 0.34), (0.62, 0.3), (0.66, 0.5), (0.36, 0.54)]
    head.shape(cheek, (226, 110, 100), blur=2.2, opacity=0.28, mirrored=True)
    socket = [(0.2, -0.1), (0.44, -0.2), (0.68, -0.08), (0.44, 0.08)]
    head.shape(socket, dark, blur=1.2, opacity=0.2, mirrored=True)
    brow = np.minimum(head.look.hair * 0.75, skin * 0.55)
    width = 1.3 + 0.5 * head.male
    head.stroke([(0.2, -0.235), (0.42, -0.285), (0.68, -0.2)], width, brow, opacity=0.9, mirrored=True)
    head.stroke([(0.12, -0.1), (0.09, 0.1), (0.13, 0.3)], 1.6, dark, blur=1.0, opacity=0.4)
    head.stroke([(-0.15, 0.33), (0, 0.385), (0.15, 0.33)], 1.2, dark * 0.85, blur=0.4, opacity=0.75)
    bridge = [(-0.05, -0.05), (0.03, -0.05), (0.05, 0.28), (-0.05, 0.3)]
    head.shape(bridge, np.minimum(skin * 1.12, 255), blur=1.0, opacity=0.6)


def _paint_eyes(head: Head):
    canvas, lid = head.canvas, [(0.23, 0.02), (0.42, -0.08), (0.62, 0.0), (0.42, 0.065)]
    for picture_side in SIDES:
        eye = canvas.polygon(head.at(smooth(np.array(lid) * (picture_side, 1))))
        middle = head.at([(picture_side * 0.42, -0.008)])
        canvas.paint(eye, TEETH)
        canvas.paint(canvas.cut(canvas.discs(middle, 1.6), eye), head.look.iris)
        canvas.paint(canvas.cut(canvas.discs(middle, 0.75), eye), (14, 12, 12))
        canvas.paint(canvas.discs(middle - 0.5, 0.4), TEETH)
    head.stroke([(0.21, 0.015), (0.42, -0.085), (0.65, -0.02)], 0.9, LASH, opacity=0.9, mirrored=True)
    head.stroke([(0.28, 0.04), (0.42, 0.07), (0.58, 0.03)], 0.5, head.look.skin * 0.6, opacity=0.6, mirrored=True)


def _paint_glasses(head: Head):
    corners = [(0.1, -0.03), (0.2, -0.17), (0.62, -0.19), (0.78, -0.05), (0.66, 0.18), (0.24, 0.18)]
    ring = smooth(corners, steps=2)
    head.stroke([*ring, ring[0]], 0.7, FRAME, opacity=0.85, mirrored=True)
    head.stroke([(-0.1, -0.04), (0, -0.07), (0.1, -0.04)], 0.7, FRAME)


def _paint_mouth(head: Head):
    lips, smile = head.look.lips, head.look.smile
    corner, wide = 0.60 - 0.045 * smile, 0.27 + 0.06 * smile
    upper = [(-wide, corner), (-0.1, 0.555), (0, 0.57), (0.1, 0.555), (wide, corner), (0, 0.63)]
    head.shape(upper, lips * 0.92)
    head.shape([(-wide, corner), (0, 0.62), (wide, corner), (0.13, 0.71), (-0.13, 0.71)], lips)
    if smile > 0.6:
        edge = wide * 0.75
        head.shape([(-edge, corner + 0.008), (0, 0.61), (edge, corner + 0.008), (0, 0.665)], TEETH)
    else:
        head.stroke([(-wide, corner), (0, 0.622), (wide, corner)], 0.7, lips * 0.55)
    head.stroke([(-0.13, 0.78), (0, 0.795), (0.13, 0.78)], 1.5, head.look.skin * 0.7, blur=0.8, opacity=0.4)


def _paint_beard(head: Head):
    jaw = [(0.97, 0.0), (0.95, 0.35), (0.84, 0.74), (0.46, 1.02), (0.0, 1.1)]
    lip = [(-0.88, 0.0), (-0.72, 0.4), (-0.4, 0.5), (-0.36, 0.7), (0.0, 0.76)]
    outline = [*jaw, *((-x, y) for x, y in jaw[-2::-1]), *lip, *((-x, y) for x, y in lip[-2::-1])]
    head.shape(outline, head.look.hair * 0.9, FACE, blur=0.8, opacity=0.8)
    moustache = [(-0.34, 0.53), (-0.12, 0.475), (0.12, 0.475), (0.34, 0.53)]
    head.stroke(moustache, 2.2, head.look.hair * 0.9, blur=0.4, opacity=0.75)
