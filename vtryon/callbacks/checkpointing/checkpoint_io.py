"""How checkpoints reach the disk: whole or not at all, and read back without executing anything they hold."""

from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from vtryon.models.weight_files import CheckpointError, load_pickled
from vtryon.utils.atomic import atomic_write


class AtomicCheckpointIO(TorchCheckpointIO):
    """Temporary file, fsync, rename: of a full disk or a kill the checkpoint before is left as it was.

    Lightning's own writes to the file's place through a transaction whose errors it may lose
    (Lightning #19970, #21800).
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path, storage_options: Any = None) -> None:
        """
        Raises:
            CheckpointError: naming the file and what the disk said.
        """
        try:
            with atomic_write(path) as temporary:
                torch.save(checkpoint, temporary)
        except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError on a full disk
            raise CheckpointError(
                f"{path}: cannot be saved ({error}); the checkpoint before it is whole: make room and start again"
            ) from error

    def load_checkpoint(self, path, map_location=lambda storage, loc: storage, weights_only: bool | None = True):
        """Never anything but weights, whatever is asked.

        Raises:
            CheckpointError: naming the file.
        """
        return load_pickled(path, map_location)
