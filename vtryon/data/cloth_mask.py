"""A garment photo to its mask ("cloth_edge"): what stands out of the backdrop that the photo's border shows.

The border tells the backdrop's colour, as a plane in Lab, so that a light falling off across the picture is no
garment. From the border the backdrop is then flooded inwards; strong colour or a clear edge stops it, faint and
smooth change (a soft shadow) does not. White on white has little colour to go by, but it has an edge, and what the
flood does not reach is garment; on a retouched backdrop, which is of one colour to the last digit, the least difference
is garment. GrabCut only draws the last pixels of the outline, and only where colours differ. Light prints are kept as
garment; a gap that shows the bare backdrop is not.
"""

from functools import cache

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from vtryon.data.files.masks import box_of, cut_out, filled

METHODS = ("opencv", "rembg")
VERSION = "2"  # of the masks that are made; those of another version are not taken from a cache
WORK_SIDE = 512  # pixels of the longer side at which masks are made: twice the network's
FAR, NEAR = (
    14.0,
    2.2,
)  # CIE76 distances to the backdrop: surely another colour, perhaps another
EDGE, FAINT_EDGE = (
    1.6,
    0.7,
)  # CIE76 a pixel: an edge, and an edge only where it goes on from a clear one
RETOUCHED = 0.5  # CIE76: three quarters of a retouched photo's border are nearer; a sleeve may lie on the rest
LEAST = 1.2  # CIE76: beyond the ringing of JPEG on a retouched backdrop; white cloth is at 2 to 6


def cloth_mask(photo: UInt8[np.ndarray, "h w 3"], method: str = "opencv") -> UInt8[np.ndarray, "h w"]:
    """The garment of an RGB photo, 255 inside and 0 outside.

    `opencv` wants one garment on a plain backdrop, off the border for the most part; `rembg` takes any photo and
    downloads its network when first used.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} makes no garment masks; allowed are {', '.join(METHODS)}")
    height, width = photo.shape[:2]
    scale = min(1.0, WORK_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = photo if scale == 1 else cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    garment = _by_rembg(resized) if method == "rembg" else _by_backdrop(resized)
    if garment.mean() < 0.005:
        raise ValueError("no garment stands out of the backdrop; give its mask with --edge, or try the method rembg")
    mask = garment.astype(np.uint8) * 255
    if scale == 1:
        return mask
    return np.where(cv2.resize(mask, (width, height), interpolation=cv2.INTER_CUBIC) > 127, 255, 0).astype(np.uint8)


def garment_mask(
    photo: UInt8[np.ndarray, "h w 3"], alpha: UInt8[np.ndarray, "h w"] | None, method: str = "opencv"
) -> UInt8[np.ndarray, "h w"]:
    """The garment of a picture that may be transparent: its cut-out's outline, else made from what the picture shows.

    Transparency that only rounds the photo's corners or frames it is no mask; the mask is made inside the frame. Where
    nothing stands out there, the garment fills the frame.

    Raises:
        FaultError: the picture is transparent where a garment should be.
        ValueError: as `cloth_mask`.
    """
    if alpha is None:
        return cloth_mask(photo, method)
    if cut_out(alpha):
        return alpha
    opaque = alpha > 127
    box = box_of(opaque)
    shown = filled(photo.astype(np.float32), alpha)[box].round().astype(np.uint8)
    mask = np.zeros_like(alpha)
    try:
        mask[box] = cloth_mask(shown, method)
    except ValueError:
        if opaque.all():
            raise
        mask[box] = 255
    return np.where(opaque, mask, 0).astype(np.uint8)


def _by_rembg(photo: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    try:
        from rembg import remove
    except ImportError as error:
        raise ImportError('method="rembg" needs a missing package: pip install "vtryon[rembg]"') from error
    return np.asarray(remove(photo, only_mask=True, session=_rembg_session())) > 127


@cache
def _rembg_session():
    from rembg import new_session

    return new_session("u2net")


def _by_backdrop(photo: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    lab = cv2.cvtColor(cv2.GaussianBlur(photo, (3, 3), 0).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    distance, noise, retouched = _distance_to_backdrop(lab)
    far, near = FAR + 3 * noise, NEAR + 3 * noise
    slope = cv2.magnitude(*(cv2.Scharr(distance, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1))))
    clear = (distance > far) | ((distance > near) & (slope > EDGE + noise))
    faint = (distance > near) & (slope > FAINT_EDGE + noise)
    garment = _unreached(_joined(clear, clear | faint))
    if retouched and (pale := _pale(distance)) is not None and _is_torn(garment, pale):
        return pale
    if not garment.any() or np.median(distance[garment]) < FAR:  # neither GrabCut nor gaps in so little colour
        return _main_pieces(_without_halo(garment, distance))
    garment = _trim(photo, garment & ~_gaps(garment, distance, near))
    return _main_pieces(_without_halo(garment, distance))


def _distance_to_backdrop(
    lab: Float32[np.ndarray, "h w 3"],
) -> tuple[Float32[np.ndarray, "h w"], float, bool]:
    """CIE76 distance of each pixel to the backdrop's plane, the backdrop's own scatter, and whether it is retouched."""
    height, width = lab.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    plane = np.stack([np.ones_like(x), x, y], axis=-1)  # (h, w, 3)
    border = np.ones((height, width), bool)
    margin = max(1, round(0.02 * min(height, width)))
    border[margin:-margin, margin:-margin] = False
    colours, positions = lab[border], plane[border]
    on_backdrop = np.linalg.norm(colours - np.median(colours, axis=0), axis=1) < 4 * FAR  # not a sleeve cut off
    if on_backdrop.mean() < 0.3:  # a border of many colours
        on_backdrop[:] = True
    for _ in range(3):
        fit = np.linalg.lstsq(positions[on_backdrop], colours[on_backdrop], rcond=None)[0]
        off = np.linalg.norm(colours - positions @ fit, axis=1)
        noise = float(np.median(off[on_backdrop]))
        on_backdrop = off < 3 + 4 * noise
    retouched = bool(np.quantile(off, 0.75) < RETOUCHED)
    return np.linalg.norm(lab - plane @ fit, axis=-1).astype(np.float32), min(noise, 6.0), retouched


def _pale(distance: Float32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"] | None:
    """All that is not quite the colour of a retouched backdrop, where most of it is nearly that colour; else None."""
    garment = _enclosed(
        cv2.copyMakeBorder((distance > LEAST).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    )
    garment = _main_pieces(garment[1:-1, 1:-1])
    if not garment.any() or np.median(distance[garment]) >= FAR:
        return None
    return _without_halo(garment & ~_gaps(garment, distance, LEAST / 4), distance)


def _is_torn(garment: Bool[np.ndarray, "h w"], whole_garment: Bool[np.ndarray, "h w"]) -> bool:
    """Whether `garment` leaves out some of the middle of `whole_garment`, whose outline may be a soft shadow."""
    depth = cv2.distanceTransform(whole_garment.astype(np.uint8), cv2.DIST_L2, 5)
    return float(garment[depth > depth.max() / 2].mean()) < 0.9


def _unreached(wall: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """What a flood from the border does not reach, also where the wall has gaps.

    Closing the wall by more and more mends gaps, but fills the cleft between sleeve and body as well. A mended gap
    encloses a broad piece, a filled cleft is as narrow as the closing: only broad pieces are taken over.
    """
    wall = cv2.copyMakeBorder(wall.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inside = _enclosed(wall)
    for share in (0.006, 0.015):
        kernel = _disc(max(1, round(share * max(wall.shape))))
        extra = _enclosed(cv2.morphologyEx(wall, cv2.MORPH_CLOSE, kernel)) & ~inside
        labels = cv2.connectedComponents(extra.astype(np.uint8), connectivity=4)[1]
        broad = cv2.erode(extra.astype(np.uint8), kernel) > 0
        inside |= np.isin(labels, np.setdiff1d(labels[broad], [0]))
    return inside[1:-1, 1:-1]


def _enclosed(wall: UInt8[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    flooded = wall.copy()
    cv2.floodFill(flooded, None, (0, 0), 2)
    return flooded != 2


def _joined(clear: Bool[np.ndarray, "h w"], wall: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The pieces of `wall` that hold something clear and are no specks (a thousandth of the picture)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(wall.astype(np.uint8), connectivity=8)
    keep = (stats[:, cv2.CC_STAT_AREA] >= wall.size * 1e-3) & np.isin(np.arange(len(stats)), labels[clear])
    keep[0] = False
    return keep[labels]


def _without_halo(garment: Bool[np.ndarray, "h w"], distance: Float32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The outline at a third of its edge's height: blur and slope see an edge one pixel early."""
    rim = garment & ~(cv2.erode(garment.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    return garment & ~(rim & (distance < 0.35 * cv2.dilate(distance, np.ones((5, 5), np.uint8))))


def _gaps(
    garment: Bool[np.ndarray, "h w"], distance: Float32[np.ndarray, "h w"], near: float
) -> Bool[np.ndarray, "h w"]:
    """Enclosed pieces that are the bare backdrop and no light print: as flat and of the very colour."""
    like = (garment & (distance < near)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(like, connectivity=4)
    gaps = np.zeros_like(garment)
    for index in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= 2e-3 * garment.size):
        piece = labels == index
        if index > 0 and np.median(distance[piece]) < near / 2:
            gaps |= cv2.dilate(piece.astype(np.uint8), _disc(1)) > 0
    return gaps & garment


def _trim(photo: UInt8[np.ndarray, "h w 3"], garment: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Let GrabCut draw the outline anew, in a band of a few pixels."""
    band = _disc(max(2, round(0.008 * max(garment.shape))))
    core, hull = (
        cv2.erode(garment.astype(np.uint8), band),
        cv2.dilate(garment.astype(np.uint8), band),
    )
    trimap = np.where(garment, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[core > 0] = cv2.GC_FGD
    trimap[hull == 0] = cv2.GC_BGD
    if not (core.any() and (hull == 0).any()):
        return garment
    cv2.setRNGSeed(0)  # GrabCut starts its colour models with a random k-means
    cv2.grabCut(
        photo,
        trimap,
        None,
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        3,
        cv2.GC_INIT_WITH_MASK,
    )
    return (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)


def _main_pieces(garment: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Smooth the outline; keep the largest piece and what is a tenth of it (the two halves of a set, no price tag)."""
    smooth = cv2.medianBlur(garment.astype(np.uint8), 3)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(smooth, connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return ((areas >= 0.1 * areas.max()) & (areas > 0))[labels]


def _disc(radius: int) -> UInt8[np.ndarray, "k k"]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
