"""What a person compares an object with: reference objects, each with the first of its pictures.

Owns that they are chosen once for each question, and fetched ahead behind all else.  Must not know
pages; which objects they are is ``reference``'s, and how pictures are had the album's.
"""

import contextlib
import threading
import weakref
from collections.abc import Sequence

from al_engine.background import BACKGROUND
from al_engine.errors import AlEngineError
from al_engine.services.gallery import Shown
from al_engine.session import LabellingSession, State
from al_engine.showing.album import AHEAD_AFTER_S, Album
from al_engine.showing.certain import Certain, certain
from al_engine.showing.objects import beginning, texts_shown
from al_engine.showing.reference import References, references

TEXT_LETTERS = 90
MOST_EXPECTED = 8  # questions that may come next, each with references of its own


class Comparing:
    """What one session compares with."""

    def __init__(self, session: LabellingSession, album: Album) -> None:
        self._session, self._album = session, album
        self._lock = threading.Lock()
        self._held: tuple[State, int, References] | None = None
        self._certain: tuple[State, Certain] | None = None
        self._expected: list[int] = []

    def references(self, state: State, row: int) -> References:
        """What to compare an object with; chosen once for as long as nothing changes."""
        held = self._held
        if held is None or held[0] is not state or held[1] != row:
            held = self._held = (state, row, references(self._session, state, row))
        return held[2]

    def certain(self, state: State) -> Certain:
        """The least and the most certain objects of the pool; chosen once for a round."""
        if self._certain is None or self._certain[0] is not state:
            self._certain = (state, certain(self._session, state))
        return self._certain[1]

    def pictures(self, rows: Sequence[int]) -> dict[int, Shown]:
        """The picture of each, small, as far as it is there; none where objects have none here."""
        return self._album.small(rows)

    def values(self, rows: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """What stands in place of a picture: the beginning of its text, else its axes in words."""
        config, project = self._session.config, self._session.project
        if texts := texts_shown(config):
            [found] = project.catalogue.picked(texts[:1], rows)
            told = (beginning(text, TEXT_LETTERS) for text in found.to_pylist())
            return {row: (text,) for row, text in zip(rows, told, strict=True)}
        axes = [(name, project.axis(name)) for name in (config.x_axis, config.y_axis) if name]
        return {row: tuple(f"{name} {float(axis[row]):.4g}" for name, axis in axes) for row in rows}

    def fetch_ahead(self, row: int) -> None:
        """Have fetched what a question may need that may come next, and then its references'."""
        self._album.fetch_ahead(row)
        with self._lock:
            self._expected = [*self._expected, row][-MOST_EXPECTED:]
        there = weakref.ref(self)

        def work() -> None:
            if (comparing := there()) is not None:
                comparing._fetch_expected()

        BACKGROUND.do(self._session.project, ("references", id(self)), work, AHEAD_AFTER_S)

    def _fetch_expected(self) -> None:
        with self._lock:
            rows, self._expected, held = self._expected, [], self._held
        if held is None:
            return  # nobody has looked at any yet
        with contextlib.suppress(AlEngineError):  # which is told where it is looked at
            for row in rows:
                self._album.small(_rows(references(self._session, held[0], row)))


def _rows(found: References) -> Sequence[int]:
    listed = (found.nearest, *found.typical)
    return list(dict.fromkeys(each.row for some in listed for each in some))
