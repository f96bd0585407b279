"""Which split of the data a batch of an evaluation loop belongs to."""

import pytorch_lightning as L


def split_of(trainer: L.Trainer, dataloader_idx: int) -> str:
    """ "val" outside the test stage, there the name that the datamodule gives to the loader."""
    if not trainer.testing:
        return "val"
    splits = getattr(trainer.datamodule, "test_splits", None)
    if splits is None or dataloader_idx >= len(splits):
        raise ValueError(
            f"test loader {dataloader_idx} has no name: the datamodule's test_splits is {splits!r}; "
            "name one split for each loader, such as ('unpaired', 'paired')"
        )
    return splits[dataloader_idx]
