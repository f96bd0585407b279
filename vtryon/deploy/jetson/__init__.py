"""Export for a Jetson Nano, and the runner that measures on the board."""
