import os

# small networks gain nothing from threads, and on a busy machine they lose much by waiting for each other
os.environ["OMP_NUM_THREADS"] = "1"

import torch

import vtryon  # noqa: F401 (before Lightning, which imports torchvision)

torch.set_num_threads(1)
