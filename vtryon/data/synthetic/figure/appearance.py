"""What a person looks like apart from geometry: skin, hair, face, what is worn below, and the studio's backdrop."""

from typing import NamedTuple

import numpy as np

SKINS = (
    (252, 224, 204), (244, 208, 182), (232, 190, 160), (214, 166, 132),
    (186, 134, 100), (150, 102, 74), (112, 74, 54), (86, 56, 42),
)  # fmt: skip
HAIRS = (
    (28, 24, 24), (50, 36, 30), (82, 56, 40), (120, 80, 50),
    (168, 122, 74), (214, 178, 120), (140, 62, 36), (150, 146, 144),
)  # fmt: skip
BOTTOMS = (
    (40, 56, 92), (70, 98, 140), (124, 150, 184), (34, 34, 38), (60, 62, 68),
    (228, 226, 220), (196, 178, 148), (92, 92, 66), (104, 58, 48), (150, 150, 156),
)  # fmt: skip
IRISES = ((84, 56, 36), (70, 96, 120), (76, 100, 66), (46, 32, 26))
LONG_STYLES = ("bob", "long", "bun", "afro", "ponytail", "wavy")
SHORT_STYLES = ("short", "short", "curls", "quiff", "buzz")


class Look(NamedTuple):
    skin: np.ndarray
    hair: np.ndarray
    style: str
    parting: float  # -1..1
    front_locks: bool  # long hair falls before the shoulders
    lips: np.ndarray
    iris: np.ndarray
    smile: float  # 0..1
    beard: bool
    glasses: bool
    bottom: str  # trousers, skirt
    bottom_colour: np.ndarray
    skirt_hem: float  # along the spine
    jeans: bool  # seams and pockets
    backdrop: np.ndarray


def sample_look(rng: np.random.Generator, male: float) -> Look:
    tone = int(rng.integers(len(SKINS)))
    fair = tone < 4
    skin = _pick(rng, SKINS[tone : tone + 1]) + rng.uniform(-5, 5)
    hair = _pick(rng, HAIRS if fair else HAIRS[:3])
    lips = (skin * 0.86 + (10, -22, -14)) if male else (skin * 0.62 + (rng.uniform(40, 78), 8, 18))
    return Look(
        skin=np.clip(skin, 30, 253),
        hair=np.clip(hair * rng.uniform(0.85, 1.1), 12, 235),
        style=str(rng.choice(SHORT_STYLES if male else LONG_STYLES)),
        parting=rng.choice([-1, 1]) * rng.uniform(0.15, 0.7),
        front_locks=bool(rng.random() < 0.45),
        lips=lips,
        iris=_pick(rng, IRISES if fair else IRISES[:1]),
        smile=rng.uniform(0, 1),
        beard=bool(male > 0 and rng.random() < 0.3),
        glasses=bool(rng.random() < 0.1),
        bottom="skirt" if male == 0 and rng.random() < 0.3 else "trousers",
        bottom_colour=np.clip(_pick(rng, BOTTOMS) + rng.uniform(-8, 8), 14, 244),
        skirt_hem=rng.uniform(1.32, 1.7),
        jeans=bool(rng.random() < 0.6),
        backdrop=np.array([238, 239, 241]) + rng.uniform(-5, 8) + rng.uniform(-3, 3, 3),
    )


def _pick(rng: np.random.Generator, colours: tuple) -> np.ndarray:
    return np.array(colours[rng.integers(len(colours))], np.float32)
