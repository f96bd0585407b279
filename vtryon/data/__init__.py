"""Data: from a VITON folder to batches of try-on samples."""
