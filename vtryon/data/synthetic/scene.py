"""A person before a backdrop, wearing a shop garment, with everything that is known about the picture."""

from typing import NamedTuple

import cv2
import numpy as np

from vtryon.data.synthetic.canvas import Canvas, Frame, Patch, smooth, soften
from vtryon.data.synthetic.figure.appearance import Look
from vtryon.data.synthetic.figure.arm import arm_skin
from vtryon.data.synthetic.figure.body import SIDES, Body, trunk_outline
from vtryon.data.synthetic.figure.face import FACE, paint_face
from vtryon.data.synthetic.figure.hair import paint_hair_before, paint_hair_behind
from vtryon.data.synthetic.figure.lower_body import paint_lower
from vtryon.data.synthetic.garment.deformation import Figure, armhole, deform
from vtryon.data.synthetic.garment.shop_picture import Layer, Shop

CLOTHES = 4
ARM_LABEL = {-1: 13, 1: 11}  # a person seen from the front has the right arm on the picture's left
LAYER = {0: 1, -1: 2, 1: 3}  # numbers in Canvas.layer
STEP = 4  # canvas pixels between the points where the deformation is computed


class Scene(NamedTuple):
    """On the canvas, supersampled; `maps` are points of the shop plane in units for each garment layer."""

    canvas: Canvas
    maps: dict[int, np.ndarray]


def draw_person(body: Body, look: Look, shop: Shop, silhouette: np.ndarray, frame: Frame) -> Scene:
    """From back to front; each arm comes last, with its sleeve."""
    canvas = Canvas(frame)
    _paint_backdrop(canvas, look, silhouette)
    paint_hair_behind(canvas, body, look)
    _paint_trunk(canvas, body, look)
    paint_lower(canvas, body, look)
    person = Figure(body.torso, body.arms, shop.garment.ease)
    maps = deform(person, shop.garment.figure, frame, STEP)
    _wear(canvas, shop.layers[0], 0, maps[0], canvas.discs(_trunk_reach(body), 48.0))
    paint_face(canvas, body, look)
    paint_hair_before(canvas, body, look)
    for picture_side in SIDES:
        _paint_arm(canvas, body, look, shop, picture_side)
        if picture_side in shop.layers:
            reach = _reach(canvas, person, picture_side)
            _wear(canvas, shop.layers[picture_side], picture_side, maps[picture_side], reach)
    return Scene(canvas, maps)


def _paint_backdrop(canvas: Canvas, look: Look, silhouette: np.ndarray):
    """Painted at a sixteenth of the resolution: it has no detail."""
    frame, step = canvas.frame, 16
    x, y = frame.blocks(step, 1).transpose(2, 0, 1)
    glow = 1.02 - 0.05 * ((x - 96) / 130) ** 2 - 0.03 * (y / 256) ** 2
    size = (-(-frame.shape[1] // step), -(-frame.shape[0] // step))
    shadow = cv2.resize(silhouette.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    shadow = cv2.copyMakeBorder(shadow, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    sigma = 9 * frame.scale / step
    shadow = cv2.GaussianBlur(shadow, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    move = np.float32([[1, 0, sigma * 0.5], [0, 1, sigma * 0.25]])
    shadow = cv2.warpAffine(shadow, move, shadow.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    colour = np.minimum(look.backdrop * (glow * (1 - 0.07 * shadow))[..., None], 254)
    canvas.image[:] = frame.unfold(colour, step, 1)


def _paint_trunk(canvas: Canvas, body: Body, look: Look):
    torso = body.torso
    patch = canvas.polygon(trunk_outline(body))
    canvas.paint(patch, look.skin * 0.98, FACE)
    canvas.model(patch, 4.5, 0.12, 0.06)
    chin = np.array([(-10, 18), (-11, 22), (0, 33), (11, 22), (10, 18)]) * (body.head_size[0] / 16.5) + body.head
    canvas.shade(canvas.cut(canvas.polygon(smooth(chin), blur=1.6), patch), 0.26)
    for picture_side in SIDES:
        bone = torso.at(picture_side * np.array([3, 12, 25]), np.array([0.1, 0.085, 0.075]))
        canvas.shade(canvas.line(smooth(bone, closed=False), 1.3, blur=0.8), 0.13)
        tendon = np.stack([torso.at(picture_side * torso.neck_half * 0.7, -0.1), torso.at(picture_side * 2.5, 0.07)])
        canvas.shade(canvas.line(tendon, 1.5, blur=1.0), 0.1)


def _wear(canvas: Canvas, layer: Layer, key: int, where: np.ndarray, reach: Patch):
    """Sample one layer of the shop garment through the deformation and lay it on the person."""
    index = canvas.frame.pixels(where[reach.box]) - np.array([layer.columns.start, layer.rows.start], np.float32)
    cloth = cv2.remap(layer.cloth, index, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    alpha = cloth[..., 3].astype(np.float32) * np.float32(1 / 255) * (reach.alpha > 0.5)
    body = canvas.label[reach.box] > 0
    cast = cv2.GaussianBlur(alpha, (0, 0), 1.6 * canvas.frame.scale) * body
    canvas.shade(reach._replace(alpha=cast), 0.07 if key else 0.10)
    canvas.paint(reach._replace(alpha=alpha), cloth[..., :3], CLOTHES, LAYER[key])


def _trunk_reach(body: Body) -> np.ndarray:
    """Centres of discs that cover every garment's torso."""
    return body.torso.at(0, np.linspace(0.1, 0.9, 8))


def _reach(canvas: Canvas, person: Figure, picture_side: int) -> Patch:
    """Where the sleeve of an arm can be; far away from it a map may fold back."""
    arm, hole = person.arms[SIDES.index(picture_side)], armhole(person, picture_side)
    t = np.linspace(0, 2.1, 40)
    near = canvas.discs(hole.mean(axis=0, keepdims=True), np.linalg.norm(hole[0] - hole[1]) / 2 + 5)
    return canvas.union(canvas.discs(arm.line(t), arm.radius(t) + person.ease + 5), near)


def _paint_arm(canvas: Canvas, body: Body, look: Look, shop: Shop, picture_side: int):
    """The skin that a sleeve leaves free; it darkens what is behind it a little."""
    sleeve = shop.garment.sleeve
    patch, creases = arm_skin(canvas, body.arms[SIDES.index(picture_side)], max(0.0, sleeve - 0.12))
    cast = soften(patch.alpha, 2 * canvas.frame.scale) * (canvas.label[patch.box] > 0)
    canvas.shade(patch._replace(alpha=cast), 0.08)
    canvas.surface(patch, look.skin, ARM_LABEL[picture_side], 3.0, 0.14)
    for crease in creases:
        canvas.shade(crease, 0.2)
