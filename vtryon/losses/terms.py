"""Terms of a loss under their names, and all that a perceptual network must look at in one batched pass."""

from collections.abc import Callable, Sequence

from torch import Tensor

Perceptual = Callable[[Sequence[tuple[Tensor, Tensor]]], Sequence[Tensor]]


class Terms:
    """Weighted terms by name; terms of one name add up.

    Example:
        >>> import torch
        >>> terms = Terms(scale=0.5)
        >>> terms.add("cloth", torch.tensor(3.0), weight=2)
        >>> terms.total(perceptual=None)
        {'cloth': tensor(3.), 'total': tensor(3.)}
    """

    def __init__(self, scale: float = 1.0):
        self.scale = scale
        self.values: dict[str, Tensor] = {}
        self.looks: list[tuple[str, float, tuple[Tensor, Tensor]]] = []

    def add(self, name: str, value: Tensor, weight: float = 1.0) -> None:
        value = self.scale * weight * value
        self.values[name] = self.values[name] + value if name in self.values else value

    def look(self, name: str, prediction: Tensor, target: Tensor, weight: float = 1.0) -> None:
        """Note a pair of pictures for the perceptual network; nothing is computed yet, and of weight 0 nothing ever."""
        if weight == 0:
            self.values.setdefault(name, prediction.new_zeros(()))
        else:
            self.looks.append((name, self.scale * weight, (prediction, target)))

    def join(self, terms: "Terms") -> None:
        """Take over the terms of another, at the scale they were added with."""
        for name, value in terms.values.items():
            self.values[name] = self.values[name] + value if name in self.values else value
        self.looks += terms.looks

    def total(self, perceptual: Perceptual | None) -> dict[str, Tensor]:
        """Every term as it enters the sum, and "total", their sum."""
        values = dict(self.values)
        if perceptual is not None and self.looks:
            for (name, weight, _), value in zip(self.looks, perceptual([pair for *_, pair in self.looks]), strict=True):
                values[name] = values.get(name, 0) + weight * value
        return values | {"total": sum(values.values())}
