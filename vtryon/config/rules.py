"""What the values of a config may be, told before torch and the data are loaded.

A value that is null is refused unless its rule is optional. Constructors check what they are given by Python code.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from vtryon.data.files import LAYOUTS
from vtryon.utils.home import with_home


class Rule(NamedTuple):
    """A test of a value, the words for what passes it, and whether null does."""

    holds: Callable[[Any], bool]
    allowed: str
    optional: bool = False

    def or_null(self) -> "Rule":
        return self._replace(optional=True)


def broken_rules(cfg: DictConfig) -> list[str]:
    """A line for each value that its rule does not allow."""
    broken = []
    for key, rule in RULES.items():
        if not exists(cfg, key):
            continue
        value = OmegaConf.select(cfg, key, throw_on_missing=False)
        if OmegaConf.is_config(value):
            value = OmegaConf.to_container(value, resolve=True)
        allowed = rule.optional if value is None else rule.holds(value)
        if not allowed:
            null = " or null" if rule.optional else ""
            broken.append(f"{key}={_shown(value)}: must be {rule.allowed}{null}")
    return broken or _broken_members(cfg) or _broken_parents(cfg)


def _broken_members(cfg: DictConfig) -> list[str]:
    """A line for each callback or logger that is no object's description."""
    broken = []
    for group in ("callbacks", "logger"):
        for name, node in OmegaConf.to_container(cfg[group], resolve=True).items():
            if node is not None and not TARGET.holds(node):
                broken.append(f"{group}.{name}={_shown(node)}: must be {TARGET.allowed}, or null for none")
    return broken


def _broken_parents(cfg: DictConfig) -> list[str]:
    """A line for each list in whose place the recipe's sweep expects a mapping."""
    broken, config = {}, OmegaConf.to_container(cfg, resolve=False)
    for key in map(str, cfg.get("sweep") or {}):
        node, path = config, []
        for name in key.split(".")[:-1]:
            node = node.get(name) if isinstance(node, dict) else None
            path.append(name)
            if isinstance(node, list):
                above = ".".join(path)
                broken[above] = f"{above}={_shown(node)}: must be a mapping, as the recipe's sweep varies {key}"
    return list(broken.values())


def exists(cfg: DictConfig, key: str) -> bool:
    """Whether the config has this key, be it null."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(cfg, parent) if parent else cfg
    return isinstance(node, DictConfig) and name in node.keys()  # noqa: SIM118 (`in node` overlooks what is open, ???)


def _shown(value: object) -> str:
    return "null" if value is None else str(value).replace(" ", "")


def _whole(least: int) -> Rule:
    return Rule(lambda v: _is_int(v) and least <= v < 2**31, f"a whole number of at least {least}")


def _widths(count: int) -> Rule:
    def holds(value: Any) -> bool:
        return isinstance(value, list) and len(value) == count and all(_is_int(v) and 1 <= v < 2**16 for v in value)

    return Rule(holds, f"{count} whole numbers of at least 1, such as [{','.join(['8'] * count)}]")


def _choice(*choices: str) -> Rule:
    return Rule(lambda v: v in choices, f"{', '.join(choices[:-1])} or {choices[-1]}")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    lengths = value if isinstance(value, list) and len(value) == 2 else [0]
    return all(_is_int(length) and 32 <= length <= 4096 and length % 32 == 0 for length in lengths)


def _is_root(value: Any) -> bool:
    return isinstance(value, dict) or (_is_path(value) and with_home(value).is_dir())


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and "\0" not in value and len(value) < 4096


def _is_file(value: Any) -> bool:
    try:
        return _is_path(value) and with_home(value).is_file()
    except OSError:  # a name that the file system cannot have
        return False


def _is_limit(value: Any) -> bool:
    return (_is_int(value) and value >= 0) or (isinstance(value, float) and 0 <= value <= 1)


POSITIVE = Rule(lambda v: _is_number(v) and 0 < v < float("inf"), "a number above 0")
WEIGHT = Rule(lambda v: _is_number(v) and 0 <= v < float("inf"), "a number of at least 0")
SHARE = Rule(lambda v: _is_number(v) and 0 <= v <= 1, "a share of the training, in [0, 1]")
PAIR_COUNT = Rule(lambda v: _is_int(v) and (v == 0 or 2 <= v < 2**31), "0 or a whole number of at least 2")
NODE = Rule(lambda v: isinstance(v, dict), "a mapping of keys")
TARGET = Rule(lambda v: isinstance(v, dict) and isinstance(v.get("_target_"), str), "a mapping with a _target_")
TEXT = Rule(lambda v: isinstance(v, str | int | float) and str(v).strip() != "", "a name")
BOOL = Rule(lambda v: isinstance(v, bool), "true or false")
FILE = Rule(_is_file, "a file that exists").or_null()
PATH = Rule(_is_path, "a path")
LIMIT = Rule(_is_limit, "a number of batches, or a share of them in [0.0, 1.0]").or_null()
NAMES = Rule(lambda v: isinstance(v, list) and all(isinstance(name, str) for name in v), "a list, such as [warp.]")
REDUCTION = Rule(lambda v: _is_int(v) and v in (1, 2), "1, or 2: the flow of halved pictures")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "auto")

RULES: dict[str, Rule] = {
    "name": Rule(lambda v: TEXT.holds(v) and "\0" not in str(v) and len(str(v)) < 200, "a name, which a folder gets"),
    "seed": _whole(0),
    "threads": _whole(1).or_null(),
    "tags": Rule(lambda v: isinstance(v, list), "a list, such as [mine]"),
    "notes": Rule(lambda v: isinstance(v, str), "a text").or_null(),
    "fixed": NAMES,
    "reduction": REDUCTION,
    "sweep": NODE,
    "varied": NAMES,
    "parents": NODE,
    "paths": NODE,
    "callbacks": NODE,
    "logger": NODE,
    "data": TARGET,
    "model": TARGET,
    "training": TARGET,
    "trainer": TARGET,
    "perceptual": TARGET,
    "optimizer": TARGET.or_null(),
    "compression": TARGET.or_null(),
    "analysis": TARGET.or_null(),
    "init": TARGET.or_null(),
    "init.take": NAMES,
    "init.leave": NAMES,
    "model.warp": TARGET,
    "model.generator": TARGET,
    "paths.run": PATH,
    "paths.runs": PATH,
    "paths.cache": PATH,
    "paths.chain": PATH,
    "lessons": PATH.or_null(),
    "ckpt_path": Rule(lambda v: v == "last" or _is_file(v), "last, or a checkpoint that exists").or_null(),
    "inception": FILE,
    "alexnet": FILE,
    "perceptual.path": FILE,
    "data.size": Rule(_is_size, "[height,width], both divisible by 32, such as [256,192]"),
    "data.train_pairs": FILE,
    "data.test_pairs": FILE,
    "data.test_pairs_same": FILE,
    "data.batch_size": _whole(1),
    "data.workers": _whole(0),
    "data.val_size": PAIR_COUNT,
    "data.seen_size": PAIR_COUNT,
    "data.seed": _whole(0),
    "data.layout": _choice("auto", *LAYOUTS),
    "data.masks": _choice("given", "made"),
    "data.on_bad": _choice("stop", "skip"),
    "data.cache": PATH,
    "data.unique": BOOL,
    "data.root": Rule(_is_root, "a folder that exists, with a training split, a test split or both"),
    "data.root.train": _whole(4),
    "data.root.test": _whole(2),
    "data.root.seed": _whole(0),
    "data.root.cache": PATH,
    "data.root.size": Rule(_is_size, "[height,width], both divisible by 32, such as [256,192]"),
    "model.warp.channels": _widths(5),
    "model.warp.cond_channels": _whole(1),
    "model.warp.fpn_channels": _whole(1),
    "model.warp.flow_channels": _widths(3),
    "model.warp.reduction": REDUCTION,
    "model.warp.flow_levels": Rule(lambda v: _is_int(v) and 1 <= v <= 5, "1 to 5 levels of the pyramids").or_null(),
    "model.warp.shared": BOOL,
    "model.warp.separable": BOOL,
    "model.generator.ngf": _whole(1),
    "model.generator.in_channels": _whole(1),
    "model.generator.keep": BOOL,
    "model.generator.separable": BOOL,
    "compression.plan": TARGET,
    "compression.ratio": Rule(lambda v: _is_number(v) and 0 <= v < 1, "the share of channels that go, in [0, 1)"),
    "compression.ratio_of": _choice("channels", "parameters"),
    "compression.max_ratio": Rule(lambda v: _is_number(v) and 0 < v <= 1, "a number in (0, 1]"),
    "compression.round_to": _whole(1),
    "compression.steps": _whole(1),
    "compression.starts": Rule(lambda v: _is_number(v) and 0 <= v < 1, "a share of the training, in [0, 1)"),
    "compression.calibration": _whole(1),
    "compression.freezes": SHARE,
    "analysis.pairs": _whole(1),
    "analysis.batch": _whole(1),
    "analysis.probes": _whole(1),
    "analysis.exact": _whole(1),
    "analysis.sample": _whole(3),
    "analysis.calibration": _whole(1),
    "analysis.precision": _choice("auto", "f32", "bf16", "int8"),
    "analysis.shares": Rule(
        lambda v: isinstance(v, list) and all(_is_number(s) and 0 <= s <= 1 for s in v), "a list of shares in [0, 1]"
    ),
    "target.gmacs": POSITIVE.or_null(),
    "target.mib": POSITIVE.or_null(),
    "target.latency_ms": POSITIVE.or_null(),
    "target.precision": _choice("auto", "f32", "bf16", "int8"),
    "target.share": Rule(lambda v: _is_number(v) and 0 < v < 1, "the share of the network's own GMACs, in (0, 1)"),
    "optimizer.lr": POSITIVE,
    **{
        f"training.loss.{term}": WEIGHT
        for term in ("output", "mask", "keep", "ssim", "rendered", "perceptual_weight", "feature", "flow")
    },
    "trainer.max_epochs": _whole(1),
    "trainer.max_steps": _whole(1).or_null(),
    "trainer.fast_dev_run": Rule(
        lambda v: isinstance(v, bool) or (_is_int(v) and v >= 0), "true, false or a count"
    ).or_null(),
    **{f"trainer.limit_{split}_batches": LIMIT for split in ("train", "val", "test")},
    "trainer.check_val_every_n_epoch": _whole(1),
    "trainer.log_every_n_steps": _whole(1),
    "trainer.num_sanity_val_steps": _whole(0),
    "trainer.enable_model_summary": BOOL,
    "trainer.default_root_dir": PATH,
    "trainer.accelerator": Rule(lambda v: isinstance(v, str) and v.isalnum(), "auto, cpu or gpu"),
    "trainer.devices": Rule(
        lambda v: v in ("auto", -1) or (_is_int(v) and 1 <= v < 2**16) or (isinstance(v, list) and v != []),
        "auto, a count or a list",
    ),
    "trainer.precision": Rule(lambda v: v in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
    "trainer.plugins": Rule(lambda v: isinstance(v, list), "a list"),
}
