"""Read the keypoints of one person from OpenPose's JSON, as its versions and converters write it.

* 18 points (COCO, as in VITON) or 25 (BODY_25, as in VITON-HD), of which the 18 are taken;
* pixels of the photo, or `keypoint_scale` 3 and 4: parts of the photo in [0, 1] or [-1, 1], which are converted;
* pixels of another canvas, where the file tells its size (`canvas_width`, `canvas_height`, as ControlNet writes them);
* rows of x and y under "keypoints", as Dress Code has them;
* several people: the one of the highest summed confidence times size is the person, a bystander is smaller.
"""

import json
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from vtryon.data.files.header import FaultError, unknown

KEYPOINTS = 18  # OpenPose, COCO
OF_BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)  # leaves out 8, the middle of the hips
PARTS = 1.5  # a pose whose coordinates are all below is no pose in pixels but one in parts of the photo
CENTRED = -0.25  # ... and one below this in [-1, 1] and not just a little outside of [0, 1]
RIVAL = 0.8  # of the highest score: a second person of more is as likely the one who is meant
APART = 0.5  # intersection over union of two people's boxes below which they are no double of one
MARGIN = 0.1  # of the photo's side, by which a keypoint may lie outside


class Pose(NamedTuple):
    """One person as the file has it; (0, 0) in every unit where a keypoint is missing."""

    points: Float64[np.ndarray, "18 2"]  # x, y
    detected: Bool[np.ndarray, "18"]
    unit: str  # "pixels", "parts" in [0, 1] or "centred" in [-1, 1]
    canvas: tuple[int, int] | None = None  # (h, w) whose pixels are meant; None: the photo's

    def in_photo(self, photo: tuple[int, int]) -> Float64[np.ndarray, "18 2"]:
        """x and y in pixels of a photo of shape (h, w), zeros where a keypoint is missing.

        Raises:
            FaultError: most keypoints lie outside: they are of another picture.
        """
        width_height = np.array(photo[::-1], dtype=np.float64)
        if self.unit == "parts":
            points = self.points * (width_height - 1)  # OpenPose divides by the last pixel's index
        elif self.unit == "centred":
            points = (self.points + 1) / 2 * (width_height - 1)
        elif self.canvas is not None:
            points = self.points * (width_height / self.canvas[::-1])
        else:
            points = self.points
        beyond = (points < -MARGIN * width_height) | (points > (1 + MARGIN) * width_height)
        outside = self.detected & beyond.any(axis=1)
        if outside.sum() > self.detected.sum() / 2:
            farthest = " and ".join(f"{value:.0f}" for value in points[self.detected].max(axis=0))
            message = (
                f"{outside.sum()} of {self.detected.sum()} keypoints (up to x and y = {farthest}) lie outside the photo"
            )
            raise FaultError("pose outside", f"{message} of {photo[0]}x{photo[1]}; scale them to the photo's pixels")
        return np.where(self.detected[:, None], points, 0)


def read_pose(data: bytes) -> Pose:
    """The person of a file.

    Raises:
        FaultError: it is no such file, or two people are equally likely to be meant.
    """
    try:
        content = json.loads(data)
        content = content[0] if isinstance(content, list) and len(content) == 1 else content
        if "keypoints" in content:  # Dress Code: one person, 18 rows of x, y and two numbers more
            rows = np.array(content["keypoints"], dtype=np.float64)[:, :2]
            content = {"people": [{"pose_keypoints": np.pad(rows, ((0, 0), (0, 1))).ravel()}]}
        people = [_numbers(person) for person in content["people"]]
        canvas = (content["canvas_height"], content["canvas_width"]) if "canvas_width" in content else None
        if canvas is not None and not all(isinstance(pixels, int) and pixels > 0 for pixels in canvas):
            raise ValueError(f"a canvas of {canvas}")
    except FaultError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        expected = f"not OpenPose's JSON with people[0].pose_keypoints ({type(error).__name__}: {error})"
        raise unknown(data, expected) from None
    person = _person(people)
    detected = _detected(person)
    points = np.where(detected[:, None], person[:, :2], 0)
    return Pose(points, detected, _unit(points), canvas)


def _numbers(person: dict) -> Float64[np.ndarray, "18 3"]:
    """x, y and confidence of a person's 18 keypoints."""
    values = np.array(
        person["pose_keypoints"] if "pose_keypoints" in person else person["pose_keypoints_2d"], dtype=np.float64
    )
    if values.shape not in ((3 * KEYPOINTS,), (3 * 25,)) or not np.isfinite(values).all():
        message = f"a pose is 18x3 (COCO) or 25x3 (BODY_25) finite numbers, this has {values.size}"
        raise FaultError("wrong shape", f"{message}; write the pose with OpenPose's model COCO or BODY_25")
    rows = values.reshape(-1, 3)
    return rows if len(rows) == KEYPOINTS else rows[list(OF_BODY_25)]


def _detected(person: Float64[np.ndarray, "18 3"]) -> Bool[np.ndarray, "18"]:
    """Which keypoints were detected: confidence above 0, or, where all confidences are 0, a position."""
    placed = (person[:, :2] != 0).any(axis=1)
    return placed & (person[:, 2] > 0) if (person[:, 2] > 0).any() else placed


def _person(people: list[Float64[np.ndarray, "18 3"]]) -> Float64[np.ndarray, "18 3"]:
    """The person who is meant; all zeros where there is none."""
    scores = [_score(person) for person in people]
    ranked = sorted(range(len(people)), key=lambda index: -scores[index])
    if not ranked or scores[ranked[0]] == 0:
        return people[0] if people else np.zeros((KEYPOINTS, 3))
    best = ranked[0]
    for index in ranked[1:]:
        if scores[index] > RIVAL * scores[best] and _shared(_box(people[best]), _box(people[index])) < APART:
            message = f"people[{best}] and people[{index}] are as large and as sure as each other"
            raise FaultError("two people", f"{message}; keep the one who wears the garment")
    return people[best]


def _score(person: Float64[np.ndarray, "18 3"]) -> float:
    """Summed confidence times size, a length."""
    detected = _detected(person)
    if not detected.any():
        return 0.0
    low, high = _box(person)
    return max(float(person[detected, 2].sum()), 1e-6) * float(np.sqrt(max(np.prod(high - low), 1e-12)))


def _box(person: Float64[np.ndarray, "18 3"]) -> tuple[Float64[np.ndarray, "2"], Float64[np.ndarray, "2"]]:
    points = person[_detected(person), :2]
    return points.min(axis=0), points.max(axis=0)


def _shared(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float:
    """Intersection over union of two boxes."""
    overlap = np.minimum(first[1], second[1]) - np.maximum(first[0], second[0])
    common = np.prod(np.maximum(overlap, 0))
    areas = sum(np.prod(high - low) for low, high in (first, second))
    return float(common / max(areas - common, 1e-12))


def _unit(points: Float64[np.ndarray, "18 2"]) -> str:
    if not points.any() or np.abs(points).max() > PARTS:
        return "pixels"
    return "centred" if points.min() < CENTRED else "parts"
