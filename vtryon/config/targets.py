"""What a config may call: a recipe may come from a stranger, and Hydra calls whatever its `_target_` names.

Modules of one's own are named by who starts the run, never by the recipe: VTRYON_ALLOW=my_callbacks,my_losses.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

OURS = ("models", "losses", "metrics", "data", "compression", "training", "callbacks")
ALLOWED = (
    *(f"vtryon.{floor}." for floor in OURS),
    *("torch.optim.", "torch.nn.", "torch_pruning.", "torchmetrics.", "neural_compressor.", "nncf."),
    *("pytorch_lightning.", "wandb.Settings"),
)
HOME = (*ALLOWED, "wandb.sdk.wandb_settings")  # modules in which an allowed target may be defined


def disallowed_targets(cfg: DictConfig) -> list[str]:
    """A line for each target whose name is not allowed, nothing being imported."""
    return [_told(key, name) for key, name in _targets(cfg) if not _is_allowed(name)]


def imported_targets(cfg: DictConfig) -> list[str]:
    """A line for each target that an allowed module has only imported, as `vtryon.models.checkpoint.os.getcwd`.

    Imports the targets' modules; to be asked when `strangers` finds none.
    """
    return [_told(key, name) for key, name in _targets(cfg) if not f"{_home(name)}.".startswith((*HOME, *_own()))]


def _targets(cfg: DictConfig) -> Iterator[tuple[str, Any]]:
    yield from _walk(OmegaConf.to_container(cfg, resolve=True), "")


def _walk(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    children = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        key_path = f"{path}.{key}" if path else str(key)
        if key == "_target_":
            yield key_path, child
        yield from _walk(child, key_path)


def _is_allowed(name: Any) -> bool:
    has_allowed_prefix = isinstance(name, str) and name.startswith((*ALLOWED, *_own()))
    return has_allowed_prefix and not any(segment.startswith("_") for segment in name.split("."))


def _own() -> tuple[str, ...]:
    """Prefixes of the modules that the user vouches for."""
    return tuple(f"{name.strip()}." for name in os.environ.get("VTRYON_ALLOW", "").split(",") if name.strip())


def _home(name: str) -> str | None:
    try:
        return getattr(get_object(name), "__module__", None)
    except Exception:  # it does not exist, or Hydra itself refuses it
        return None


def _told(key: str, name: Any) -> str:
    families = ", ".join(prefix.rstrip(".") for prefix in ALLOWED)
    return (
        f"{key}={name}: nothing that a config may call; allowed are public names of {families}, and of modules that "
        "the environment variable VTRYON_ALLOW names"
    )
