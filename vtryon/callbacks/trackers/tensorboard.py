"""TensorBoard: one file of events in each run's folder, RUN/tensorboard; it holds no tables and no models."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml
from PIL import Image
from pytorch_lightning.loggers import TensorBoardLogger

from vtryon.callbacks.trackers.tracker import Tracker
from vtryon.utils.optional_dependencies import needed


class TensorboardTracker(Tracker, TensorBoardLogger):
    """Scalars, pictures, and the config both as text and as TensorBoard's hyperparameters.

    Args:
        save_dir: the run's folder, by whose place TensorBoard names the run.
        name, group, tags, notes: of the run; they stand in the text "run".
    """

    def __init__(
        self,
        save_dir: str,
        name: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        notes: str | None = None,
    ):
        with needed("logger=tensorboard", "trackers"):
            import tensorboard  # noqa: F401
        super().__init__(save_dir, name="", version="tensorboard", default_hp_metric=False)
        self.about = {"name": name, "group": group, "tags": list(tags), "notes": notes}

    def log_hyperparams(self, params: Mapping[str, Any], *_: Any, **__: Any) -> None:
        super().log_hyperparams(dict(params))
        self.experiment.add_text("run", _as_code(self.about))
        self.experiment.add_text("config", _as_code(params))

    def define_scores(self, directions: Mapping[str, str | None]) -> None:
        """Declare the scores as what the hyperparameters are compared by; it knows no better end."""
        from torch.utils.tensorboard.summary import hparams

        flat = {key: value if isinstance(value, bool | int | float) else str(value) for key, value in self._flat()}
        writer = self.experiment._get_file_writer()
        for summary in hparams(flat, dict.fromkeys(directions, 0.0)):
            writer.add_summary(summary)

    def log_pictures(self, pictures: Mapping[str, Image.Image], step: int) -> None:
        for key, picture in pictures.items():
            self.experiment.add_image(key, np.asarray(picture.convert("RGB")), step, dataformats="HWC")

    def finish(self, succeeded: bool) -> None:
        self.experiment.close()

    def _flat(self) -> list[tuple[str, Any]]:
        leaves, open_nodes = [], [("", {"run": self.about, **self.hparams})]
        while open_nodes:
            prefix, node = open_nodes.pop()
            for key, value in node.items():
                if isinstance(value, Mapping):
                    open_nodes.append((f"{prefix}{key}.", value))
                else:
                    leaves.append((f"{prefix}{key}", value))
        return sorted(leaves)


def _as_code(content: Mapping[str, Any]) -> str:
    """Markdown of YAML, which TensorBoard shows as it is when it is indented."""
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    return "".join(f"    {line}\n" for line in text.splitlines())
