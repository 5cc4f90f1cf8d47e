"""Pictures on their way to the browser: one after the other, behind a head that says where.

Owns that form, which ``pictures_sent.js`` takes apart.  Must not know what a picture shows.
"""

import json
import struct
import zlib
from typing import Any

from al_engine.services.images import media_type


class Sent:
    """The pictures of one component, in the order in which they are added."""

    def __init__(self) -> None:
        self._images: list[bytes] = []
        self._end = 0

    def add(self, image: bytes) -> dict[str, Any] | None:
        """What a head says of a picture; None of an empty one."""
        if not image:
            return None
        start, self._end = self._end, self._end + len(image)
        self._images.append(image)
        shows = f"{zlib.crc32(image)}-{len(image)}"
        return {"start": start, "end": self._end, "id": shows, "type": media_type(image)}

    def packed(self, head: dict[str, Any]) -> bytes:
        """All that the component is given."""
        said = json.dumps(head, allow_nan=False).encode()
        return b"".join([struct.pack("<I", len(said)), said, *self._images])
