"""DensePose's body parts drawn from labels and pose, for folders that have none."""
