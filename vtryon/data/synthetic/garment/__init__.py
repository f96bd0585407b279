"""The drawn garment: cut, fabric, prints, trims, and its shop picture."""
