"""The protocol of compression methods: what `compression` in a config may be, and when each method acts."""

from collections.abc import Iterable

import pytorch_lightning as pl
from torch import nn

from vtryon.compression.importance import Loss


class CompressionMethod(pl.Callback):
    """A way to make the network of a run cheaper, in one class of this folder with one file in conf/compression.

    The run calls the method once before the fit, and hands it to the trainer with the other callbacks. So a method acts

    - before the fit by overriding `__call__`, as `Pruning` does;
    - during or after the fit by overriding Lightning's hooks, such as `on_train_batch_start` (`GradualPruning`),
      `on_fit_end` (`QuantAware`) or `setup` of the test (`PostTraining`). It then changes `pl_module.net`, and calls
      `pl_module.reshaped()` where widths have changed. Methods are the only callbacks that may do so.
    """

    def __call__(self, net: nn.Module, batches: Iterable = (), loss: Loss | None = None) -> nn.Module:
        """The network to go on with; `net` itself, unless a method overrides this.

        Args:
            net: the network of the run, which a method must not change here: it returns a changed copy.
            batches: training batches, read when they are first asked for; they can be read several times.
            loss: (net, batch) to the loss of the run's stage, for methods that read gradients.
        """
        return net
