"""A search among widths by evolution: every candidate uses its budget up, and the best have descendants."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vtryon.compression.supernet.widths import Choice, Indices, WidthSpace

MUTATED = 0.5  # of the descendants; the others have two parents
TRIES = 200  # in a row, until the space is taken to hold no further candidate
MOST = 100_000  # candidates of a search


class Settings(NamedTuple):
    """How much is tried."""

    population: int = 16  # candidates of a generation
    generations: int = 6
    parents: int = 6  # that have descendants, the best so far
    seed: int = 0

    def check(self) -> None:
        """Raise ValueError where a number cannot be, or asks for more than `MOST` candidates."""
        for name in ("population", "generations", "parents"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} (={value}) must be a whole number of at least 1")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed (={self.seed}) must be a whole number of at least 0")
        if self.population * self.generations > MOST:
            asked = f"population (={self.population}) times generations (={self.generations})"
            raise ValueError(f"{asked} must be at most {MOST} candidates")


class Evolution:
    """Candidates within a budget, generation by generation; the same seed and scores give the same candidates.

    Args:
        space: the widths.
        price: what a choice costs; it rises with each width.
        bound: the most that it may cost.
        settings: how much is tried.

    Raises:
        ValueError: the narrowest choice costs more than `bound`.
    """

    def __init__(self, space: WidthSpace, price: Callable[[Choice], float], bound: float, settings: Settings):
        settings.check()
        least = price(space.narrowest())
        if least > bound:
            raise ValueError(f"is out of reach: the narrowest network of the supernet costs {least:.4g}; raise it")
        self.space, self.price, self.bound, self.settings = space, price, bound, settings
        self.counts = [len(widths) for widths in space.lists.values()]
        self.generator = np.random.default_rng(settings.seed)
        self.prices: dict[Indices, float] = {}

    def run(self, judged: Callable[[Sequence[Choice]], Sequence[float]]) -> list[Choice]:
        """All candidates, the best first.

        Args:
            judged: from all candidates so far to a score of each, less being better; it is called once a generation.
        """
        seen = self._new(self._random, [])
        order = np.argsort(judged(self._choices(seen)), kind="stable")
        for _ in range(self.settings.generations - 1):
            best = [seen[number] for number in order[: self.settings.parents]]
            fresh = self._new(lambda best=best: self._descendant(best), seen)
            if not fresh:
                break  # the space holds no more
            seen += fresh
            order = np.argsort(judged(self._choices(seen)), kind="stable")
        return self._choices([seen[number] for number in order])

    def _choices(self, candidates: Sequence[Indices]) -> list[Choice]:
        return [self.space.choice(indices) for indices in candidates]

    def _new(self, make: Callable[[], Indices], seen: Sequence[Indices]) -> list[Indices]:
        """A generation of candidates that are not among `seen`; fewer where the space has no more."""
        known, fresh, misses = set(seen), [], 0
        while len(fresh) < self.settings.population and misses < TRIES:
            candidate = self._fitted(make())
            misses = misses + 1 if candidate in known else 0
            if candidate not in known:
                known.add(candidate)
                fresh.append(candidate)
        return fresh

    def _random(self) -> Indices:
        return tuple(self.generator.integers(self.counts).tolist())

    def _descendant(self, parents: Sequence[Indices]) -> Indices:
        first, second = (parents[number] for number in self.generator.integers(len(parents), size=2))
        if self.generator.random() < MUTATED:
            place = int(self.generator.integers(len(first)))
            return (*first[:place], int(self.generator.integers(self.counts[place])), *first[place + 1 :])
        sides = self.generator.integers(2, size=len(first))
        return tuple(np.where(sides, first, second).tolist())

    def _fitted(self, indices: Indices) -> Indices:
        """Narrowed at random until it is within the budget, then widened at random while it stays within."""
        while self._price(indices) > self.bound:
            indices = self._stepped(indices, int(self.generator.choice(np.flatnonzero(indices))), -1)
        for place in self.generator.permutation(len(indices)):
            for wider in self._wider(indices, int(place)):
                if self._price(wider) > self.bound:
                    break
                indices = wider
        return indices

    def _wider(self, indices: Indices, place: int) -> Iterator[Indices]:
        for _ in range(indices[place] + 1, self.counts[place]):
            indices = self._stepped(indices, place, 1)
            yield indices

    @staticmethod
    def _stepped(indices: Indices, place: int, step: int) -> Indices:
        return (*indices[:place], indices[place] + step, *indices[place + 1 :])

    def _price(self, indices: Indices) -> float:
        if indices not in self.prices:
            self.prices[indices] = self.price(self.space.choice(indices))
        return self.prices[indices]
