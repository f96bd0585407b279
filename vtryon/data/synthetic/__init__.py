"""A procedural VITON folder: drawn people in drawn garments, with true flow."""
