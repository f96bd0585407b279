"""Export to a file: format, weights in f32, f16 or int8, model card, parity check."""
