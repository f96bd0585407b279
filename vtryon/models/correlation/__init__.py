"""The cost volume of AFlowNet in several formulations of equal result."""
