"""What `vtryon.models.flow` does, in operations that suit inference engines: sampling without GridSample, and doubling.

The four neighbours of a place are gathered by one index each into the picture laid out as a line, and blended. Zeros
outside are the border of a picture framed with zeros: one form serves both paddings, and no index leaves the picture.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

FRAME = {"border": 0, "zeros": 1}  # pixels of zeros put around the picture


def gather_sample(
    image: Float[Tensor, "1 c h w"], flow: Float[Tensor, "1 2 i j"], padding: str = "border"
) -> Float[Tensor, "1 c i j"]:
    """What `sample` says, by Floor, Clip, Gather, Mul and Add with int32 indices, of one picture.

    Indices are exact in float32 only: places may be given in no narrower type.
    """
    frame = FRAME[padding]
    channels = int(image.shape[1])  # a constant in a trace, as the next two
    h, w = (int(length) + 2 * frame for length in image.shape[2:])
    left, right_share = _split(flow[:, :1], w, frame)
    top, bottom_share = _split(flow[:, 1:], h, frame)
    beyond_right, beyond_bottom = max(2 - w, 0), max(2 - h, 0)  # a side of one pixel gets a neighbour, of share 0
    if frame or beyond_right or beyond_bottom:
        image = F.pad(image, (frame, frame + beyond_right, frame, frame + beyond_bottom))
    h, w = h + beyond_bottom, w + beyond_right
    line, corner = image.reshape(channels, h * w), top.to(torch.int32) * w + left.to(torch.int32)
    left_share, top_share = 1 - right_share, 1 - bottom_share
    shares = {
        0: left_share * top_share,
        1: right_share * top_share,
        w: left_share * bottom_share,
        w + 1: right_share * bottom_share,
    }
    terms = [line.index_select(1, corner + step) * share for step, share in shares.items()]
    return (terms[0] + terms[1] + terms[2] + terms[3]).reshape(1, channels, *flow.shape[2:])


def doubled(flow: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c i j"]:
    """Bilinear interpolation to twice the sides (corners not aligned), by sums of neighbours.

    OpenVINO in bf16 keeps what leads to the flow in f32, but rounds at an Interpolate: to half a pixel.
    """
    for axis in (2, 3):
        size = int(flow.shape[axis])  # a constant, in a trace too
        previous_pixels = torch.cat([flow.narrow(axis, 0, 1), flow.narrow(axis, 0, size - 1)], axis)
        next_pixels = torch.cat([flow.narrow(axis, 1, size - 1), flow.narrow(axis, size - 1, 1)], axis)
        pair = torch.stack([0.25 * previous_pixels + 0.75 * flow, 0.75 * flow + 0.25 * next_pixels], axis + 1)
        flow = pair.flatten(axis, axis + 1)
    return flow


def _split(coordinate: Tensor, length: int, frame: int) -> tuple[Tensor, Tensor]:
    """A coordinate in [-1, 1] as the pixel before it (float, the last but one at most) and the share of the next."""
    pixel = (coordinate.reshape(-1) + 1) * ((length - 1 - 2 * frame) / 2) + frame
    pixel = pixel.clamp(0, length - 1)
    lower_pixel = pixel.floor().clamp(max=max(length - 2, 0))
    return lower_pixel, pixel - lower_pixel
