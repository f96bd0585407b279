"""vtryon: train, compress, measure and deploy the PF-AFN virtual try-on model."""

from vtryon import torchvision_guard

__version__ = "0.1.0"

torchvision_guard.install()
