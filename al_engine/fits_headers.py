"""How much the headers of a FITS file hold, seen before a library reads them.

Owns that bound: a library reads a header to its end, however far that is.  Must not know what the
files show.
"""

import math
from typing import BinaryIO

MOST_HDUS = 20  # what is looked for lies in the first ones
MOST_BLOCKS = 400  # of all their headers: some 14,000 lines

_BLOCK, _CARD = 2880, 80


def has_long_headers(file: BinaryIO) -> bool:
    """Do the first headers of a file take more blocks than any that people write?"""
    n_blocks = 0
    file.seek(0)
    for _ in range(MOST_HDUS):
        cards: dict[bytes, bytes] = {}
        while b"END" not in cards:
            block = file.read(_BLOCK)
            n_blocks += 1
            if n_blocks > MOST_BLOCKS:
                return True
            if len(block) < _BLOCK:
                return False
            for at in range(0, _BLOCK, _CARD):
                cards.setdefault(block[at : at + 8].rstrip(), block[at + 10 : at + _CARD])
        file.seek(_data_bytes(cards), 1)
    return False


def _data_bytes(cards: dict[bytes, bytes]) -> int:
    """What lies between a header and the next one."""

    def number(name: bytes, usual: int = 0) -> int:
        try:
            return int(cards[name].split(b"/")[0])
        except (LookupError, ValueError):
            return usual

    sides = [number(b"NAXIS%d" % i) for i in range(1, min(number(b"NAXIS"), 999) + 1)]
    if cards.get(b"GROUPS", b"").strip()[:1] == b"T":
        sides = sides[1:]  # the first says 0, and only that these are groups
    n_values = number(b"GCOUNT", 1) * (number(b"PCOUNT") + math.prod(sides)) if sides else 0
    n_bytes = abs(number(b"BITPIX")) // 8 * n_values
    return min(max(-(-n_bytes // _BLOCK) * _BLOCK, 0), 2**40)  # no file goes on after that
