"""What is worn below: trousers or a skirt, and the legs."""

import numpy as np

from vtryon.data.synthetic.canvas import DOWN, Canvas, smooth
from vtryon.data.synthetic.figure.appearance import Look
from vtryon.data.synthetic.figure.body import SIDES, Body

BOTTOM, LEG_LABEL = 8, {-1: 10, 1: 9}
WAIST = 0.72  # along the spine; every garment hangs lower
CROTCH = 1.26


def leg_outline(body: Body, picture_side: int, ease: float = 0.0) -> np.ndarray:
    """A thigh from the hip to below the picture."""
    torso = body.torso
    half = torso.half(1.2) + ease
    knee = torso.at(picture_side * (half * 0.62), 2.6)
    outside = [
        torso.at(picture_side * (torso.half(1.0) + ease), 1.0),
        torso.at(picture_side * half, 1.2),
        torso.at(picture_side * half, 1.45),
        knee + np.array([11.0 * picture_side, 0]),
    ]
    inside = [
        knee - np.array([picture_side * (10 + 0.4 * ease), 0]),
        torso.at(picture_side * (2.2 - ease * 0.3), 1.6),
        torso.at(picture_side * 0.2, CROTCH),
        torso.at(-picture_side * 1.0, 1.0),
    ]
    return np.concatenate([smooth(outside, closed=False), smooth(inside, closed=False)])


def paint_lower(canvas: Canvas, body: Body, look: Look):
    if look.bottom == "skirt":
        for picture_side in SIDES:
            thigh = canvas.polygon(leg_outline(body, picture_side))
            canvas.surface(thigh, look.skin * 0.97, LEG_LABEL[picture_side], 5.0, 0.18)
        canvas.surface(canvas.polygon(skirt_outline(body, look)), look.bottom_colour, BOTTOM, 8.0, 0.2)
        _paint_folds(canvas, body, look)
    else:
        trousers = canvas.polygon(hip_outline(body), *(leg_outline(body, picture_side, 1.0) for picture_side in SIDES))
        canvas.surface(trousers, look.bottom_colour, BOTTOM, 7.0, 0.2)
        _paint_seams(canvas, body, look)


def hip_outline(body: Body) -> np.ndarray:
    """The seat of the trousers, from the waist to the crotch."""
    torso = body.torso
    halves = [
        smooth([torso.at(s * torso.half(v), v) for v in (WAIST, 0.85, 1.0, 1.1, 1.2)], closed=False) for s in SIDES
    ]
    crotch = torso.at(np.array([-14, -4, 0, 4, 14]), np.array([1.24, 1.3, CROTCH + 0.06, 1.3, 1.24]))
    return np.concatenate([halves[0], crotch, halves[1][::-1]])


def skirt_outline(body: Body, look: Look) -> np.ndarray:
    torso = body.torso
    halves = []
    for picture_side in SIDES:
        levels = (WAIST, 0.85, 1.0, 1.2, look.skirt_hem)
        flare = (0.0, 0.0, 1.0, 3.0, 3.5 + 9 * (look.skirt_hem - 1.2))
        halves.append(
            smooth(
                [torso.at(picture_side * (torso.half(min(v, 1.2)) + f), v) for v, f in zip(levels, flare, strict=True)],
                closed=False,
            )
        )
    middle = torso.at(0, look.skirt_hem) + 4 * DOWN
    hem = smooth([halves[0][-1], middle, halves[1][-1]], closed=False)
    return np.concatenate([halves[0], hem, halves[1][::-1]])


def _paint_folds(canvas: Canvas, body: Body, look: Look):
    torso = body.torso
    for u in (-0.55, -0.2, 0.25, 0.6):
        half = torso.half(1.2)
        fold = torso.at(np.array([u * half * 0.9, u * half * 1.15]), np.array([1.0, look.skirt_hem - 0.02]))
        canvas.shade(canvas.line(fold, 2.0, blur=1.6), 0.16)


def _paint_seams(canvas: Canvas, body: Body, look: Look):
    torso = body.torso
    canvas.shade(canvas.line(torso.at(np.zeros(2), np.array([0.9, CROTCH + 0.03])), 0.8), 0.25)
    thread = (204, 160, 96) if look.bottom_colour[2] > look.bottom_colour[0] + 15 else look.bottom_colour * 0.6
    for picture_side in SIDES:
        crease = torso.at(picture_side * np.array([3, 12]), np.array([CROTCH + 0.05, CROTCH - 0.01]))
        canvas.shade(canvas.line(crease, 1.2, blur=1.2), 0.12)
        edge = torso.half(1.08)
        opening = torso.at(picture_side * np.array([edge - 17, edge - 10, edge]), np.array([0.92, 1.03, 1.08]))
        pocket = canvas.line(smooth(opening, closed=False), 0.7)
        if look.jeans:
            canvas.paint(pocket._replace(alpha=pocket.alpha * 0.7), thread)
            faded = torso.at(picture_side * np.array([13, 20, 22, 14]), np.array([1.3, 1.3, 1.7, 1.7]))
            glow = canvas.polygon(smooth(faded), blur=3.0)
            canvas.paint(glow._replace(alpha=glow.alpha * 0.14), (250, 250, 250))
        else:
            canvas.shade(pocket, 0.25)
