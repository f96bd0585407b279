"""Compression: pruning, quantization, half precision, and narrow students."""
