"""Files of a VITON folder: find, decode, verify, unpack."""
