"""One training that holds many widths, and networks picked from it."""
