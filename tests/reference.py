"""PF-AFN a second time, as one would write it down from the paper's facts: functions over a state_dict, no modules.

It is slow and plain on purpose (unfolded correlation, bilinear lookup by hand, float64) and shares no code with vtryon.
"""

import torch
import torch.nn.functional as F


def reference_student(warp: dict, generator: dict, given: dict) -> dict:
    person, cloth, edge = (given[name].double() for name in ("person", "cloth", "edge"))
    moved, flow = _warp(_double(warp), person, cloth)
    shape = _lookup(edge, flow, zeros=True)
    return _compose(
        _generator(_double(generator), torch.cat([person, moved, shape], 1)),
        moved,
        shape,
        flow,
    )


def reference_tutor(warp: dict, generator: dict, given: dict, seen) -> dict:
    cloth, edge = given["cloth"].double(), given["edge"].double()
    moved, flow = _warp(_double(warp), seen.cond.double(), cloth)
    shape = _lookup(edge, flow, zeros=True)
    parts = [seen.preserved.double(), moved, shape, seen.arms.double() * (1 - shape)]
    return _compose(_generator(_double(generator), torch.cat(parts, 1)), moved, shape, flow)


def _double(weights: dict) -> dict:
    return {key: value.double() for key, value in weights.items()}


def _compose(painted, moved, shape, flow) -> dict:
    trust = torch.sigmoid(painted[:, 3:4]) * shape
    return {
        "flow": flow,
        "image": moved * trust + torch.tanh(painted[:, 0:3]) * (1 - trust),
    }


def _norm(w, key, x):
    mean, var = w[f"{key}.running_mean"], w[f"{key}.running_var"]
    scale = w[f"{key}.weight"] / (var + 1e-5) ** 0.5
    return x * scale[:, None, None] + (w[f"{key}.bias"] - mean * scale)[:, None, None]


def _encode(w, key, x):
    out = []
    for stage in range(5):
        k = f"{key}.encoders.{stage}"
        x = F.conv2d(
            _norm(w, f"{k}.0.block.0", x).relu(),
            w[f"{k}.0.block.2.weight"],
            stride=2,
            padding=1,
        )
        for block in (1, 2):
            y = F.conv2d(
                _norm(w, f"{k}.{block}.block.0", x).relu(),
                w[f"{k}.{block}.block.2.weight"],
                padding=1,
            )
            y = F.conv2d(
                _norm(w, f"{k}.{block}.block.3", y).relu(),
                w[f"{k}.{block}.block.5.weight"],
                padding=1,
            )
            x = x + y
        out.append(x)
    return out


def _pyramid(w, key, features):
    out, last = [], None
    for k in range(5):
        x = F.conv2d(
            features[4 - k],
            w[f"{key}.adaptive.{k}.weight"],
            w[f"{key}.adaptive.{k}.bias"],
        )
        if last is not None:
            x = x + last.repeat_interleave(2, 2).repeat_interleave(2, 3)
        last = F.conv2d(x, w[f"{key}.smooth.{k}.weight"], w[f"{key}.smooth.{k}.bias"], padding=1)
        out.append(last)
    return out


def _head(w, key, x):
    for layer in (0, 2, 4):
        x = F.leaky_relu(
            F.conv2d(x, w[f"{key}.{layer}.weight"], w[f"{key}.{layer}.bias"], padding=1),
            0.1,
        )
    return F.conv2d(x, w[f"{key}.6.weight"], w[f"{key}.6.bias"], padding=1)


def _warp(w, person, cloth):
    persons = _pyramid(w, "cond_FPN", _encode(w, "cond_features", person))
    cloths = _pyramid(w, "image_FPN", _encode(w, "image_features", cloth))
    flow = None
    for k in range(5):
        h, width = persons[k].shape[-2:]
        seen = cloths[k] if flow is None else _lookup(cloths[k], flow)
        patches = F.unfold(persons[k], 7, padding=3).view(1, persons[k].shape[1], 49, h, width)
        volume = F.leaky_relu((seen[:, :, None] * patches).mean(1), 0.1)
        grid = _absolute(_head(w, f"aflow_net.netMain.{k}", volume))
        flow = grid if flow is None else _lookup(flow, grid)
        both = torch.cat([_lookup(cloths[k], flow), persons[k]], 1)
        flow = _lookup(flow, _absolute(_head(w, f"aflow_net.netRefine.{k}", both)))
        flow = F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)
    return _lookup(cloth, flow), flow


def _absolute(offset):
    h, w = offset.shape[-2:]
    x = torch.arange(w).double() + offset[:, 0]
    y = torch.arange(h).double()[:, None] + offset[:, 1]
    return torch.stack([2 * x / (w - 1) - 1, 2 * y / (h - 1) - 1], 1)


def _lookup(image, flow, zeros=False):
    """Bilinear at corner-aligned coordinates, by hand: outside is the nearest border, or nothing."""
    h, w = image.shape[-2:]
    x, y = (flow[0, 0] + 1) / 2 * (w - 1), (flow[0, 1] + 1) / 2 * (h - 1)
    if not zeros:
        x, y = x.clamp(0, w - 1), y.clamp(0, h - 1)
    left, top = x.floor(), y.floor()
    out = 0
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        column, row = left + i, top + j
        weight = (1 - (x - column).abs()) * (1 - (y - row).abs())
        inside = (column >= 0) & (column <= w - 1) & (row >= 0) & (row <= h - 1)
        picked = image[:, :, row.clamp(0, h - 1).long(), column.clamp(0, w - 1).long()]
        out = out + picked * (weight * inside)
    return out


def _generator(w, x):
    return _unet(w, "model", x, depth=0)


def _residual(w, key, x):
    y = _norm(w, f"{key}.block.1", F.conv2d(x, w[f"{key}.block.0.weight"], padding=1)).relu()
    return (x + _norm(w, f"{key}.block.4", F.conv2d(y, w[f"{key}.block.3.weight"], padding=1))).relu()


def _unet(w, key, x, depth):
    outermost, innermost = depth == 0, depth == 4
    bare = outermost or innermost  # no norm after the first convolution
    k = f"{key}.model"
    y = F.conv2d(x, w[f"{k}.0.weight"], stride=2, padding=1)
    y = y.relu() if bare else _norm(w, f"{k}.1", y).relu()
    first = 2 if bare else 3
    y = _residual(w, f"{k}.{first + 1}", _residual(w, f"{k}.{first}", y))
    inside = first + 2
    if not innermost:
        y = _unet(w, f"{k}.{inside}", y, depth + 1)
    up = inside + (1 if innermost else 2)
    y = F.conv2d(
        y.repeat_interleave(2, 2).repeat_interleave(2, 3),
        w[f"{k}.{up}.weight"],
        padding=1,
    )
    if outermost:
        return y
    y = _norm(w, f"{k}.{up + 1}", y).relu()
    y = _residual(w, f"{k}.{up + 4}", _residual(w, f"{k}.{up + 3}", y))
    return torch.cat([x, y], 1)
