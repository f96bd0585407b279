"""Short names of what test scores were taken on: which list of pairs, which splits of it, at which size."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from vtryon.data.files.pairs import Pairs
from vtryon.data.synthetic.writer import MARKER

PUBLIC = {  # sha256 of the pairs, however their file writes them: name
    "a3232c0a7cc118313c49c01b7c2650d998d6f0e6b1aebc3c2072389eeadaf102": "viton-2032",
    "cc1902c8492eff8587492a4d491571761e80e7597b67469c30747e2796523cb4": "viton-2032",  # paired
    "9f70daa366e24203a394c289d0fe4060dafd0c120f4b13096182efc7bf28435c": "viton-clean-416",
    "9fe92213b5477bd80a854263b8ad2ff2e29d1cfc32bcb065e0551d1f25bb1edd": "viton-clean-416",  # paired
}
DIGITS = 6  # of the hash in the name of a list that is not public


def protocol_name(
    lists: Mapping[str, Pairs], root: str | os.PathLike, size: tuple[int, int], judged: Mapping[str, int]
) -> str:
    """The name under which scores may be compared: "viton-clean-416 unpaired + paired 256x192".

    Any other list is called after its first file and a hash of its pairs, that of drawn people "drawn" and hashed with
    what they were drawn by: "drawn-64-1c9f04 unpaired + paired 96x64".

    Args:
        lists: split → its pairs, the one that gives the name first.
        root: folder of the data.
        size: (height, width) of the pictures judged.
        judged: split → how many of its pairs were judged; fewer than all of them are told in the name.
    """
    splits = []
    for split, pairs in lists.items():
        all_judged = judged[split] == len(set(pairs.ids))
        splits.append(split if all_judged else f"{split} (first {judged[split]})")
    return f"{_family(lists, Path(root))} {' + '.join(splits)} {size[0]}x{size[1]}"


def _family(lists: Mapping[str, Pairs], root: Path) -> str:
    public_names = {PUBLIC.get(hashlib.sha256(_listed(pairs)).hexdigest()) for pairs in lists.values()}
    if len(public_names) == 1 and None not in public_names:
        return public_names.pop()
    digest = hashlib.sha256(b"\n".join(_listed(pairs) for pairs in lists.values()))
    first = next(iter(lists.values()))
    source, marker = Path(first.name).stem, root / MARKER
    if marker.is_file():  # the ids of drawn people are numbers, and say nothing of their pictures
        drawn = json.loads(marker.read_text())
        digest.update(json.dumps([drawn.get(key) for key in ("version", "seed", "size")]).encode())
        source = "drawn"
    return f"{source}-{len(first.ids)}-{digest.hexdigest()[:DIGITS]}"


def _listed(pairs: Pairs) -> bytes:
    """The pairs alone, in an order of their own."""
    return "".join(sorted(f"{person} {cloth}\n" for person, cloth in pairs.ids)).encode()
