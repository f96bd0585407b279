"""Files of a VITON folder: find, decode, verify, unpack."""

LAYOUTS = ("pf_afn", "cp_vton", "viton_hd", "dress_code")  # of data folders; `layouts` describes each
