"""What each tracker knows of a run, read back with the tracker's own library (wandb: from its offline file)."""

import csv
import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from wandb_offline import OfflineRun

Numbers = dict[str, list[tuple[int, float]]]


@dataclass
class Known:
    """Numbers with their steps by key, the config, what the run is called, pictures, the table's rows."""

    numbers: Numbers
    config: dict[str, Any]
    name: str
    group: str
    tags: set[str]
    pictures: dict[str, np.ndarray]
    table: list[dict[str, Any]] | None = None
    summary: dict[str, float] = field(default_factory=dict)  # where it is kept apart from the numbers


def by_key(rows: list[dict[str, Any]], step: str) -> Numbers:
    numbers: Numbers = {}
    for row in rows:
        for key, value in row.items():
            if key != step and isinstance(value, int | float):
                numbers.setdefault(key, []).append((int(row[step]), float(value)))
    return numbers


def wandb_run(runs: Path, run: Path) -> Known:
    found = OfflineRun.under(run)
    (folder,) = (run / "wandb").glob("offline-run-*")
    pictures, table = {}, None
    for row in found.history:
        for key, value in row.items():
            if isinstance(value, dict) and value.get("_type") == "image-file":
                pictures[key] = cv2.imread(str(folder / "files" / value["path"]))
            if key == "samples":
                content = json.loads((folder / "files" / value["path"]).read_text())
                table = [dict(zip(content["columns"], cells, strict=True)) for cells in content["data"]]
    rows = [row for row in found.history if "trainer/global_step" in row]
    numbers, about = by_key(rows, "trainer/global_step"), found.run
    config = {key: value for key, value in found.config.items() if key != "_wandb"}
    names = (about.display_name, about.run_group, set(about.tags))
    return Known(numbers, config, *names, pictures, table, found.summary)


def tensorboard_run(runs: Path, run: Path) -> Known:
    import yaml
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    numbers = {key: [(event.step, event.value) for event in events.Scalars(key)] for key in tags["scalars"]}
    pictures = {}
    for key in tags["images"]:
        encoded = events.Images(key)[-1].encoded_image_string
        pictures[key] = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    texts = {}
    for key in ("run", "config"):
        text = events.Tensors(f"{key}/text_summary")[-1].tensor_proto.string_val[0].decode()
        texts[key] = yaml.safe_load("\n".join(line.removeprefix("    ") for line in text.splitlines()))
    about = texts["run"]
    return Known(numbers, texts["config"], about["name"], about["group"], set(about["tags"]), pictures)


def mlflow_run(runs: Path, run: Path) -> Known:
    from mlflow.artifacts import load_dict, load_text
    from mlflow.tracking import MlflowClient

    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    client = MlflowClient(f"sqlite:///{runs / 'mlflow.db'}")
    (experiment,) = client.search_experiments(filter_string="name = 'vtryon'")
    found = client.get_run(json.loads((run / "trackers.json").read_text())["mlflow"])
    assert found.info.experiment_id == experiment.experiment_id
    place, home = found.info.run_id, found.info.artifact_uri
    numbers = {}
    for key in found.data.metrics:
        numbers[key] = [(metric.step, metric.value) for metric in client.get_metric_history(place, key)]
    pictures = {}
    for artifact in client.list_artifacts(place, "images"):
        if artifact.path.endswith(".png"):
            file = client.download_artifacts(place, artifact.path)
            pictures[Path(artifact.path).name.partition("+")[0].replace("~", "/")] = cv2.imread(file)
    tags = {f"{key}={value}" for key, value in found.data.tags.items()}
    names = {artifact.path for artifact in client.list_artifacts(place)}
    table = list(csv.DictReader(io.StringIO(load_text(f"{home}/samples.csv")))) if "samples.csv" in names else None
    config = load_dict(f"{home}/config.json")
    return Known(numbers, config, found.info.run_name, found.data.tags["group"], tags, pictures, table)


def trackio_run(runs: Path, run: Path) -> Known:
    from trackio import Api
    from trackio.sqlite_storage import SQLiteStorage
    from trackio.utils import MEDIA_DIR

    place = json.loads((run / "trackers.json").read_text())["trackio"]
    (found,) = [each for each in Api().runs("vtryon") if each.id == place]
    rows = SQLiteStorage.get_logs("vtryon", found.name, run_id=place)
    pictures, table = {}, None
    for row in rows:
        for key, value in row.items():
            if isinstance(value, dict) and value.get("_type") == "trackio.image":
                pictures[key] = cv2.imread(str(MEDIA_DIR / value["file_path"]))
            if key == "samples":
                table = value["_value"]
    config = {key: value for key, value in found.config.items() if not key.startswith("_")}
    tags = set(config.pop("tags"))
    config.pop("notes")
    return Known(by_key(rows, "step"), config, found.name, found.config["_Group"], tags, pictures, table)


READERS = {"wandb": wandb_run, "tensorboard": tensorboard_run, "mlflow": mlflow_run, "trackio": trackio_run}
