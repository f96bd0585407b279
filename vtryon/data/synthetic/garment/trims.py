"""What is sewn on or printed on the front of a garment: collar, placket, neckband, hem and chest print."""

import numpy as np

from vtryon.data.synthetic.canvas import DOWN, Canvas
from vtryon.data.synthetic.garment.cut import Garment, collar_outlines, hem_curve, neck_curve
from vtryon.data.synthetic.garment.prints import MOTIFS, paint_motif, paint_word


def paint_torso_trims(garment: Garment, canvas: Canvas):
    """On the flat torso, already covered with its fabric."""
    _paint_print(garment, canvas)
    hem = hem_curve(garment)
    if garment.banded:
        canvas.paint(canvas.line(hem, 15.0), garment.trim)
    else:
        canvas.shade(canvas.line(hem - 5 * DOWN, 0.9), 0.25)
    PAINT_NECK.get(garment.neckline, _paint_band)(garment, canvas)


def _paint_print(garment: Garment, canvas: Canvas):
    centre = garment.figure.torso.neck + (max(garment.depth, 12) + 34) * DOWN
    _, first, second = garment.fabric.colours
    if garment.printed in MOTIFS:
        paint_motif(canvas, garment.printed, centre, 19.0, first, second)
    elif garment.printed:
        paint_word(canvas, garment.printed, centre - 6 * DOWN, 54.0, first, garment.grain)


def _paint_band(garment: Garment, canvas: Canvas):
    curve = neck_curve(garment, garment.depth)
    canvas.paint(canvas.line(curve, 2.0 if garment.neckline == "strap" else 5.0), garment.trim)
    canvas.shade(canvas.line(curve + 2.6 * DOWN, 0.9), 0.25)


def _paint_turtle(garment: Garment, canvas: Canvas):
    canvas.paint(canvas.polygon(*collar_outlines(garment)), garment.trim)
    canvas.shade(canvas.line(neck_curve(garment, garment.depth), 1.4, blur=0.8), 0.3)


def _paint_collar(garment: Garment, canvas: Canvas):
    collar_colour = garment.trim if garment.kind == "polo" else garment.fabric.colours[0]
    _paint_placket(garment, canvas, collar_colour)
    for flap in collar_outlines(garment):
        canvas.shade(canvas.polygon(flap + 0.8 * DOWN, blur=1.4), 0.25)
        patch = canvas.polygon(flap)
        canvas.paint(patch, collar_colour)
        canvas.model(patch, 1.5, 0.14)


def _paint_placket(garment: Garment, canvas: Canvas, colour: np.ndarray):
    torso = garment.figure.torso
    x, top = torso.neck[0], torso.neck[1] + garment.depth
    to_hem = garment.neckline == "buttoned"
    bottom = torso.at(0, garment.length)[1] + 6 if to_hem else top + 26
    corners = np.array([(x - 4, top - 6), (x + 4, top - 6), (x + 4, bottom), (x - 4, bottom)])
    strip = canvas.polygon(corners)
    canvas.paint(strip._replace(alpha=strip.alpha * 0.7), colour)
    for edge in (corners[[0, 3]], corners[[1, 2]]):
        canvas.shade(canvas.line(edge, 0.9), 0.3)
    for y in np.arange(top + 5, bottom - 3, 17 if to_hem else 9):
        canvas.paint(canvas.discs(np.array([(x, y)]), 1.5), np.clip(280 - garment.fabric.colours[0], 60, 245))


PAINT_NECK = {"turtle": _paint_turtle, "collar": _paint_collar, "buttoned": _paint_collar}
