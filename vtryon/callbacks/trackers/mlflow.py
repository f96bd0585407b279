"""MLflow: all runs in one SQLite file, RUNS/mlflow.db, their pictures and tables in RUNS/mlflow."""

import csv
import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from pytorch_lightning.loggers import MLFlowLogger

from vtryon.callbacks.trackers.kept_id import keep_id, kept_id
from vtryon.callbacks.trackers.tracker import Tracker
from vtryon.utils.lock import locked
from vtryon.utils.optional_dependencies import needed

NOTE = "mlflow.note.content"  # the tag whose text the page of a run shows


class MlflowTracker(Tracker, MLFlowLogger):
    """A run of MLflow; the config is both its parameters and its file config.json.

    Args:
        save_dir: the run's folder; SAVE_DIR/trackers.json keeps the id for a run that goes on after a stop.
        folder: of the runs, in which mlflow.db is made.
        name: of the run.
        group: its tag of that name.
        tags: those of the form KEY=VALUE become MLflow's tags, others have the value "true".
        notes: text on the run's page.
        experiment_name: what MLflow files the run under.
        tracking_uri: of a server; by default MLFLOW_TRACKING_URI, and without that FOLDER/mlflow.db.
    """

    def __init__(
        self,
        save_dir: str,
        folder: str,
        name: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        notes: str | None = None,
        experiment_name: str = "vtryon",
        tracking_uri: str | None = None,
    ):
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        with needed("logger=mlflow", "trackers"):
            import mlflow  # noqa: F401
        for noisy in ("mlflow", "alembic"):  # making the database takes dozens of lines otherwise
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self.folder, self.run_folder = Path(folder).absolute(), save_dir
        uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
        self.is_local = not uri
        named = dict(tag.split("=", 1) if "=" in tag else (tag, "true") for tag in tags)
        with self._alone():
            super().__init__(
                experiment_name,
                run_name=name,
                tracking_uri=uri or f"sqlite:///{self.folder / 'mlflow.db'}",
                tags={key: str(value) for key, value in {"group": group, NOTE: notes}.items() if value} | named,
                artifact_location=(self.folder / "mlflow").as_uri() if self.is_local else None,
                run_id=kept_id(save_dir, "mlflow"),
            )

    @property
    def experiment(self) -> Any:
        """The `MlflowClient`, once the run exists."""
        if self._initialized:
            return self._mlflow_client
        with self._alone():
            self._go_on_or_make()
            client = MLFlowLogger.experiment.fget(self)
        keep_id(self.run_folder, "mlflow", self._run_id)
        return client

    def log_hyperparams(self, params: Mapping[str, Any]) -> None:
        super().log_hyperparams(dict(params))
        self.experiment.log_dict(self.run_id, dict(params), "config.json")

    def log_pictures(self, pictures: Mapping[str, Image.Image], step: int) -> None:
        for key, picture in pictures.items():
            self.experiment.log_image(self.run_id, picture, key=key, step=step)

    def log_table(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], step: int) -> None:
        """A file KEY.csv, which MLflow shows as a table; one of its own tables would grow with every attempt."""
        text = io.StringIO()
        csv.writer(text).writerows([columns, *rows])
        self.experiment.log_text(self.run_id, text.getvalue(), f"{key}.csv")

    def finish(self, succeeded: bool) -> None:
        self.finalize("success" if succeeded else "failed")

    def _go_on_or_make(self) -> None:
        """Under the lock, as two processes would both find nothing and then both make it."""
        from mlflow.exceptions import MlflowException

        try:
            if self._run_id is not None:
                self._mlflow_client.update_run(self._run_id, status="RUNNING")
        except MlflowException:  # of a database that was deleted since
            self._run_id = None
        if self._run_id is None and self._mlflow_client.get_experiment_by_name(self._experiment_name) is None:
            self._mlflow_client.create_experiment(self._experiment_name, self._artifact_location)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self.is_local:
            yield
            return
        with locked(self.folder / ".mlflow.lock"):
            yield
