"""Training: Lightning modules that wire networks, losses and optimisers."""
