"""RUN/history.jsonl: the numbers of each epoch, one line each, as if the run had never been interrupted."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class History:
    """A file that only grows. A checkpoint keeps its length, and a run that goes on from there cuts what came later."""

    def __init__(self, path: Path):
        self.path = path

    def add(self, line: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def length(self) -> int:
        """Bytes."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def cut(self, length: int) -> None:
        """Forget what stands after so many bytes."""
        if self.length() > length:
            os.truncate(self.path, length)
