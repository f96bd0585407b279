"""Trackio: all runs in one SQLite file a project, RUNS/trackio/PROJECT.db, pictures beside it; nothing is sent."""

import io
import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from pytorch_lightning.loggers.logger import rank_zero_experiment

from vtryon.callbacks.trackers.kept_id import keep_id, kept_id
from vtryon.callbacks.trackers.tracker import Tracker
from vtryon.utils.optional_dependencies import needed

OF_THE_USER = os.environ.get("TRACKIO_DIR")


class TrackioTracker(Tracker):
    """A run of Trackio on this machine.

    `trackio.init` would find a run that goes on by its name, which runs of several sweeps may share, so that the run
    is made here by the id in SAVE_DIR/trackers.json.

    Args:
        save_dir: the run's folder.
        folder: of the runs; RUNS/trackio is Trackio's, unless TRACKIO_DIR names another.
        name, group, project: of the run.
        tags, notes: keys of its config.

    Raises:
        ValueError: this process has used Trackio with another folder, and Trackio knows but one in a process.
    """

    def __init__(
        self,
        save_dir: str,
        folder: str,
        name: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        notes: str | None = None,
        project: str = "vtryon",
    ):
        super().__init__()
        trackio_folder = OF_THE_USER or str(Path(folder).absolute() / "trackio")
        os.environ["TRACKIO_DIR"] = trackio_folder  # read when Trackio is imported
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # it would ask who is logged in
        with needed("logger=trackio", "trackers"):
            from trackio.utils import TRACKIO_DIR
        if Path(trackio_folder) != Path(TRACKIO_DIR):
            raise ValueError(
                f"folder={folder}: Trackio keeps to {TRACKIO_DIR}, the first of this process; start another process"
            )
        self.run_folder, self.project, self._name, self.group = save_dir, project, name, group
        self.about = {"tags": list(tags), "notes": notes}
        self._run: Any = None

    @property
    def name(self) -> str | None:
        return self._name

    @property
    def version(self) -> str | None:
        return None if self._run is None else self._run.id

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The `trackio.Run`."""
        if self._run is None:
            from trackio.run import Run

            self._run = Run(
                url=None,
                project=self.project,
                client=None,
                name=self._name,
                run_id=kept_id(self.run_folder, "trackio"),
                group=self.group,
                config=dict(self.about),
            )
            keep_id(self.run_folder, "trackio", self._run.id)
        return self._run

    def log_hyperparams(self, params: Mapping[str, Any], *_: Any) -> None:
        """Goes out with the first numbers."""
        from trackio.utils import to_json_safe

        self.experiment.config.update(to_json_safe(dict(params)))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        numbers = {key: value.item() if isinstance(value, torch.Tensor) else value for key, value in metrics.items()}
        self.experiment.log(numbers, step=step)

    def log_pictures(self, pictures: Mapping[str, Image.Image], step: int) -> None:
        import trackio

        self.experiment.log({key: trackio.Image(picture) for key, picture in pictures.items()}, step=step)

    def log_table(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], step: int) -> None:
        import trackio

        table = trackio.Table(columns=list(columns), data=[list(row) for row in rows])
        self.experiment.log({key: table}, step=step)

    def finish(self, succeeded: bool) -> None:
        if self._run is not None:
            with redirect_stdout(io.StringIO()):  # it tells that it is writing
                self._run.finish()
            self._run = None
