"""What the parts of a network gave out for one pair, so that only what follows a touched layer is computed again.

Two things more are known. A convolution adds up its inputs' shares, so that where the garment alone has changed, the
person's share in a refining head is what it was. And the pyramids are linear: a level whose own lateral is what it was
changes by what its smoothing makes of the change below, which it sees enlarged.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch.nn.functional as F
from torch import Tensor, nn

from vtryon.nn.operations import Replaced
from vtryon.nn.quick import QUICK, by_place, interleaved
from vtryon.nn.tryon import TryOn, TryOnNet
from vtryon.nn.winograd import with_winograd

BRANCHES = ("image", "cond")  # the garment's and the person's


class Remembered:
    """A network, a pair, and what each part says of it.

    Args:
        net: in eval mode.
        question: person, cloth and cloth_edge, a batch of one.
    """

    def __init__(self, net: TryOnNet, question: Sequence[Tensor]):
        self.net, self.question = net, tuple(question)
        self.needs = needs(net)
        self.said: dict[str, Tensor | tuple] = {}
        self.shares: dict[str, Callable] = {}
        hooks = [net.get_submodule(part).register_forward_hook(self._keep(part)) for part in self.needs]
        try:
            with Replaced(QUICK):
                self.usual: TryOn = net(*self.question)
        finally:
            for hook in hooks:
                hook.remove()

    def ask(self, count: int, touched: set[str]) -> TryOn:
        """`count` times the same question to a network whose layers `touched` answer otherwise than they did."""
        changed = followers(self.needs, touched)
        kept = {part: _saying(_repeated(self.said[part], count)) for part in self.needs.keys() - changed}
        with Replaced(QUICK), _answering(self.net, kept | self._halves(changed) | self._changes(changed, touched)):
            return self.net(*(part.expand(count, -1, -1, -1) for part in self.question))

    def _keep(self, part: str):
        def hook(layer, inputs, out) -> None:
            self.said[part] = out

        return hook

    def _halves(self, changed: set[str]) -> dict[str, Callable]:
        """Refining heads' first convolutions, the person's share being known."""
        found = {}
        for level, head in enumerate(self.net.warp.aflow_net.netRefine):
            person = f"warp.cond_FPN.smooth.{level}"
            refined = f"warp.aflow_net.netRefine.{level}"
            if person not in changed and refined in changed:
                if refined not in self.shares:
                    self.shares[refined] = _with_share(head[0], self.said[person])
                found[f"{refined}.0"] = self.shares[refined]
        return found

    def _changes(self, changed: set[str], touched: set[str]) -> dict[str, Callable]:
        """Smoothing convolutions that see a change only in what comes from the level below."""
        found = {}
        for branch in BRANCHES:
            for level in range(1, len(self.net.warp.image_FPN.smooth)):
                lateral, smooth = (f"warp.{branch}_FPN.{kind}.{level}" for kind in ("adaptive", "smooth"))
                below = f"warp.{branch}_FPN.smooth.{level - 1}"
                if below in changed and lateral not in changed and smooth not in touched:
                    usual = self.said[lateral][..., ::2, ::2] + self.said[below]
                    found[smooth] = _with_change(self.net.get_submodule(smooth), self.said[smooth], usual)
        return found


def _saying(out: Tensor | tuple) -> Callable:
    return lambda *_: out


def _with_share(conv: nn.Conv2d, last: Tensor) -> Callable:
    """`conv` on first channels and those of `last`, of which the share is computed here and now."""
    first = conv.in_channels - last.shape[1]
    share = F.conv2d(last, conv.weight[:, first:], conv.bias, padding=1)
    rest = nn.Conv2d(first, conv.out_channels, 3, padding=1, bias=False, device="meta")
    rest.weight = nn.Parameter(conv.weight[:, :first], requires_grad=False)
    answer = with_winograd(nn.Sequential(rest))
    return lambda x: answer(x[:, :first]) + share


def _with_change(conv: nn.Conv2d, said: Tensor, usual: Tensor) -> Callable:
    """`conv` on what it saw, whose every other pixel was `usual`, and a change that is enlarged from those pixels."""
    kernels = by_place(conv.weight)
    return lambda x: said + interleaved(F.conv2d(x[..., ::2, ::2] - usual, kernels, padding=1))


@contextmanager
def _answering(net: TryOnNet, answers: dict[str, Callable]) -> Iterator[None]:
    """These parts answer so, for the time of the block."""
    modules = {net.get_submodule(part): answer for part, answer in answers.items()}
    for module, answer in modules.items():
        module.forward = answer
    try:
        yield
    finally:
        for module in modules:
            del module.forward  # the class's own shows again


def needs(net: TryOnNet) -> dict[str, list[str]]:
    """Each part of the network, and the parts that it reads."""
    levels = len(net.warp.image_FPN.smooth)
    found: dict[str, list[str]] = {}
    for branch in BRANCHES:
        stream: list[str] = []
        for stage in range(levels):
            at = f"warp.{branch}_features.encoders.{stage}"
            found[f"{at}.0"], stream = stream, [f"{at}.0"]
            for step in (1, 2):
                first, second = f"{at}.{step}.block.2", f"{at}.{step}.block.5"
                found |= {first: stream, second: [first], f"{at}.{step}": [*stream, second]}
                stream = [f"{at}.{step}"]
        for level in range(levels):
            lateral, smooth = (f"warp.{branch}_FPN.{kind}.{level}" for kind in ("adaptive", "smooth"))
            found[lateral] = [f"warp.{branch}_features.encoders.{levels - 1 - level}.2"]
            found[smooth] = [lateral, *([f"warp.{branch}_FPN.smooth.{level - 1}"] if level else [])]
    before: list[str] = []
    for level in range(levels):
        pyramids = [f"warp.{branch}_FPN.smooth.{level}" for branch in BRANCHES]
        for head in ("netMain", "netRefine"):
            part = f"warp.aflow_net.{head}.{level}"
            found[part], before = [*pyramids, *before], [part]
    return found | {"warp": before, "generator": ["warp"]}


def followers(needs: dict[str, list[str]], touched: set[str]) -> set[str]:
    """The parts that hold a touched layer, and all that read them, directly or not."""
    found = {part for part in needs if any(f"{layer}.".startswith(f"{part}.") for layer in touched)}
    for part, read in needs.items():  # which stand after what they read
        if found.intersection(read):
            found.add(part)
    return found


def _repeated(said: Tensor | tuple, count: int) -> Tensor | tuple:
    if isinstance(said, tuple):
        parts = [_repeated(part, count) for part in said]
        return type(said)(*parts) if hasattr(said, "_fields") else tuple(parts)
    return said.expand(count, *said.shape[1:])
