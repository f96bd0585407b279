"""Read an offline wandb run back without wandb's own reader: framed protobuf records, as LevelDB frames its log."""

import io
import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

_BLOCK = 2**15
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


@dataclass
class OfflineRun:
    """What a server would know after `wandb sync`."""

    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)  # name → MetricRecord
    artifacts: list[Any] = field(default_factory=list)  # ArtifactRecord
    files: list[str] = field(default_factory=list)
    run: Any = None  # RunRecord
    exit_code: int | None = None

    @classmethod
    def under(cls, folder: Path, ended: bool = True) -> "OfflineRun":
        """The one run whose .wandb file lies somewhere under `folder`, once its end has been written, if it will be.

        wandb returns from a run's end before its file is whole: on a busy machine before there is one.
        """
        until, run = time.monotonic() + 60, None
        while time.monotonic() < until and (run is None or (ended and run.exit_code is None)):
            paths = [path for path in folder.rglob("run-*.wandb") if not path.parent.is_symlink()]
            if len(paths) == 1:
                run = cls._read(paths[0])
            time.sleep(0.1)
        assert run is not None, f"{folder} holds {[path.name for path in paths]}, not one run's file"
        return run

    @classmethod
    def _read(cls, path: Path) -> "OfflineRun":
        run = cls()
        for record in _records(path.read_bytes()):
            run._take(record)
        return run

    def inputs(self) -> dict[str, Any]:
        return {artifact.name: artifact for artifact in self.artifacts if artifact.use_after_commit}

    def outputs(self) -> dict[str, Any]:
        return {artifact.name: artifact for artifact in self.artifacts if not artifact.use_after_commit}

    def _take(self, record: Record) -> None:
        match record.WhichOneof("record_type"):
            case "run":
                self.run = record.run
                self.config |= _items(record.run.config.update)
            case "config":
                self.config |= _items(record.config.update)
            case "summary":
                self.summary |= _items(record.summary.update)
            case "history":
                self.history.append(_items(record.history.item))
            case "metric":
                self.metrics[record.metric.name or record.metric.glob_name] = record.metric
            case "artifact":
                self.artifacts.append(record.artifact)
            case "files":
                self.files += [file.path for file in record.files.files]
            case "exit":
                self.exit_code = record.exit.exit_code


def _items(items: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for item in items:
        *parents, leaf = item.nested_key or [item.key]
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = json.loads(item.value_json)
    return tree


def _records(data: bytes) -> Iterator[Record]:
    """7 bytes of file header, then blocks of 32 KiB with chunks: crc32, length, kind, payload."""
    if not b":W&B".startswith(data[:4]):  # a file that was just opened is still empty
        raise ValueError("not a .wandb file")
    stream, whole = io.BytesIO(data), b""
    stream.seek(7)
    while True:
        room = _BLOCK - stream.tell() % _BLOCK
        if room < 7:
            stream.seek(room, io.SEEK_CUR)
        head = stream.read(7)
        if len(head) < 7:
            return
        _, length, kind = struct.unpack("<IHB", head)
        if kind not in (_FULL, _FIRST, _MIDDLE, _LAST):
            return
        part = stream.read(length)
        if len(part) < length:  # still being written
            return
        whole = (b"" if kind in (_FULL, _FIRST) else whole) + part
        if kind in (_FULL, _LAST):
            yield Record.FromString(whole)
