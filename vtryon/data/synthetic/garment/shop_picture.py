"""The shop picture: a garment laid flat before near-white, drawn as three layers of cloth that a person can wear."""

from typing import NamedTuple

import numpy as np

from vtryon.data.synthetic.canvas import DOWN, Canvas, Frame, Patch, smooth, soften, volume
from vtryon.data.synthetic.figure.body import SIDES
from vtryon.data.synthetic.garment.cut import Garment, collar_outlines, neck_curve, sleeve_outline, torso_outline
from vtryon.data.synthetic.garment.deformation import armhole
from vtryon.data.synthetic.garment.trims import paint_torso_trims

MARGIN = 3.0  # units of cloth around a layer's outline, so that sampling at its edge never meets the backdrop


class Layer(NamedTuple):
    """A piece of cloth: RGB and coverage in 0..255 over a box of the canvas."""

    rows: slice
    columns: slice
    cloth: np.ndarray  # (h, w, 4) uint8


class Shop(NamedTuple):
    """A garment's photograph with its mask, and its layers (0: torso, SIDES: sleeves)."""

    garment: Garment
    image: np.ndarray  # (h, w, 3) float32 on the canvas, 0..255
    mask: np.ndarray  # (h, w) float32 on the canvas, 0..1
    layers: dict[int, Layer]


def draw_shop(garment: Garment, frame: Frame) -> Shop:
    canvas = Canvas(frame)
    rows = np.linspace(253, 249, frame.shape[0], dtype=np.float32)
    canvas.image[:] = rows[:, None, None]
    covers = _covers(garment, canvas)
    mask = np.zeros(frame.shape, np.float32)
    for patch in covers.values():
        np.maximum(mask[patch.box], patch.alpha, out=mask[patch.box])
    canvas.shade(Patch(slice(None), slice(None), soften(mask, 3 * frame.scale)), 0.10)
    _paint_back(garment, canvas, mask)
    layers, units = {}, frame.units()
    for key, cover in covers.items():
        box = _wider(cover, frame)
        surface = Canvas(frame)
        (_paint_sleeve if key else _paint_torso)(garment, surface, key, box, units[box.box])
        cloth = surface.image[box.box]
        canvas.paint(box, cloth)
        layers[key] = Layer(
            box.rows, box.columns, np.dstack([cloth + 0.5, box.alpha * 255 + 0.5]).clip(0, 255).astype(np.uint8)
        )
    return Shop(garment, canvas.image, mask, layers)


def _covers(garment: Garment, canvas: Canvas) -> dict[int, Patch]:
    """Where each layer is; the torso reaches a little under the sleeves, so that no gap opens at a moved armhole."""
    sleeves, seams = {}, []
    for picture_side in SIDES if garment.sleeve else ():
        sleeves[picture_side] = canvas.polygon(sleeve_outline(garment, picture_side))
        seams.append(canvas.cut(canvas.line(_seam(garment, picture_side), 6.0), sleeves[picture_side]))
    return {0: canvas.union(canvas.polygon(torso_outline(garment), *collar_outlines(garment)), *seams), **sleeves}


def _seam(garment: Garment, picture_side: int) -> np.ndarray:
    tip, pit = armhole(garment.figure, picture_side)
    return np.stack([tip + 0.2 * (pit - tip), pit])


def _wider(patch: Patch, frame: Frame) -> Patch:
    by = int(np.ceil(MARGIN * frame.scale))
    top, left = min(by, patch.rows.start), min(by, patch.columns.start)
    bottom, right = (min(by, frame.shape[0] - patch.rows.stop), min(by, frame.shape[1] - patch.columns.stop))
    rows = slice(patch.rows.start - top, patch.rows.stop + bottom)
    columns = slice(patch.columns.start - left, patch.columns.stop + right)
    return Patch(rows, columns, np.pad(patch.alpha, ((top, bottom), (left, right))))


def _paint_back(garment: Garment, canvas: Canvas, mask: np.ndarray):
    """The inside of the back, seen through the neckline; it belongs to the garment's mask but is never seen worn."""
    if garment.neckline in ("turtle", "strap"):
        return
    front_curve, back_curve = (neck_curve(garment, garment.depth), neck_curve(garment._replace(neckline="crew"), 4.0))
    raised = back_curve - (5 if garment.neckline in ("collar", "buttoned") else 0) * DOWN
    inside = canvas.polygon(np.concatenate([front_curve + 1.5 * DOWN, raised[::-1]]))
    canvas.paint(inside, garment.fabric.colours[0] * 0.62)
    canvas.paint(canvas.line(raised + DOWN, 2.2), garment.trim * 0.78)
    label = raised[12] + 4 * DOWN + np.array([(-2.6, -1.6), (2.6, -1.6), (2.6, 1.8), (-2.6, 1.8)])
    canvas.paint(canvas.polygon(label), (226, 226, 222))
    np.maximum(mask[inside.box], inside.alpha, out=mask[inside.box])


def _paint_torso(garment: Garment, canvas: Canvas, _: int, box: Patch, units: np.ndarray):
    x, y = (units - garment.figure.torso.neck.astype(np.float32)).transpose(2, 0, 1)
    canvas.image[box.box] = garment.fabric(x, y)
    paint_torso_trims(garment, canvas)
    shade = volume(box.alpha, 7 * canvas.frame.scale, 0.16, 0.05) * _folds(garment, x, y)
    canvas.image[box.box] *= shade[..., None]


def _folds(garment: Garment, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Soft slanting waves that fade out towards the chest."""
    rng = np.random.default_rng(garment.grain)
    waves = np.zeros(x.shape, np.float32)
    down = y[:, :1]
    for _ in range(3):
        slant, length, phase = (np.float32(rng.uniform(*span)) for span in ((-0.5, 0.5), (22, 45), (0, 6.28)))
        waves += np.sin((x + slant * y) * (6.28 / length) + (phase + np.sin(down * 0.03 + phase)))
    return 1 + 0.022 * waves * np.clip(down / 120, 0.25, 1)


def _paint_sleeve(garment: Garment, canvas: Canvas, picture_side: int, box: Patch, units: np.ndarray):
    arm = garment.figure.arms[SIDES.index(picture_side)]
    along = (arm.joints[1] - arm.joints[0]).astype(np.float32)
    along /= np.linalg.norm(along)
    local = units - arm.joints[0].astype(np.float32)
    x, y = local[..., 0] * along[1] - local[..., 1] * along[0], local @ along
    canvas.image[box.box] = garment.sleeve_fabric(x + 7 * picture_side, y)
    cuff_centre, across = (arm.line(garment.sleeve), arm.outer(garment.sleeve) * (arm.radius(garment.sleeve) * 1.4))
    cuff = np.stack([cuff_centre - across, cuff_centre + across])
    if garment.banded or garment.kind in ("polo", "shirt", "raglan"):
        canvas.paint(canvas.line(cuff, 11.0 if garment.sleeve > 1 else 7.0), garment.trim)
    else:
        canvas.shade(canvas.line(cuff - along * 5, 0.9), 0.25)
    canvas.shade(canvas.line(smooth(armhole(garment.figure, picture_side), closed=False), 1.6, blur=0.8), 0.35)
    canvas.image[box.box] *= volume(box.alpha, 4.5 * canvas.frame.scale, 0.16, 0.06)[..., None]
