"""Pictures that are asked for and not waited for: what there is is shown, the rest comes.

Owns the threads that fetch, the order of what is wanted, and the pictures as they are shown.  Must
not know objects, catalogues or pages, nor what is shown of what is fetched: a spectrum goes the
same way.
"""

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from al_engine.errors import NotThereError, ServiceError
from al_engine.lookahead import give_way
from al_engine.services.cache import PictureCache
from al_engine.services.cutouts import Judge
from al_engine.services.fetching import AT_ONCE, Reply, Request, fetch, is_let_out
from al_engine.services.images import SIDE_KEPT_PX, Stretch, render

MOST_FILE_BYTES = 50_000_000
SHOWN_BYTES = 32_000_000  # of pictures ready to be shown, for each project
MOST_WAITING = 64  # of each kind; whoever asks for more has gone on long since
NONE_FOR_S = 7 * 24 * 3600.0  # a place that a survey does not cover
FAILED_FOR_S = 120.0  # a server that did not answer, or with something else
OFF = "The network is switched off."

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """How pictures are shown."""

    stretch: Stretch = "auto"
    percent: float = 99.5
    is_inverted: bool = False
    side_px: int = SIDE_KEPT_PX


def draw(kept: bytes, look: Look) -> bytes:
    """A picture as it is shown; ServiceError where what was kept is damaged."""
    return render(
        kept, look.stretch, look.percent, is_inverted=look.is_inverted, side_px=look.side_px
    )


# On the screen in the first place, soon perhaps, or beside what is looked at: the first go first.
Rank = Literal["now", "soon", "beside"]


@dataclass(frozen=True)
class Wanted:
    """A picture that can be had: by a request, or out of a file; and how an answer is judged.

    ``kind`` tells apart what is made of the same answer, ``draw`` what is shown of what is kept.
    """

    judge: Judge
    request: Request | None = None
    path: Path | None = None
    kind: str = "picture"
    draw: Callable[[bytes, Look], bytes] = draw

    @property
    def key(self) -> str:
        """Names the picture, in file names too."""
        told = repr((self.kind, self.request, self._file()))
        return hashlib.sha256(told.encode()).hexdigest()[:40]

    def _file(self) -> tuple[str, int, int] | None:
        if self.path is None:
            return None
        try:
            facts = self.path.stat()
            return str(self.path), facts.st_mtime_ns, facts.st_size
        except OSError:
            return str(self.path), 0, 0


@dataclass(frozen=True)
class Shown:
    """What there is of a picture by now: its bytes, why there is none, or neither: it comes."""

    image: bytes = b""
    sentence: str = ""

    @property
    def is_coming(self) -> bool:
        return not (self.image or self.sentence)


class Gallery:
    """The pictures of one project, for all its sessions.

    Parameters
    ----------
    folder : where they are kept
    may_ask : may anybody be asked at all?  The switch of a person, looked at before each request
    get : how a request is answered, as long as a function says that it is still wanted
    """

    def __init__(
        self,
        folder: Path,
        may_ask: Callable[[], bool] = lambda: True,
        get: Callable[[Request, Callable[[], bool]], Reply] = fetch,
    ) -> None:
        self.cache = PictureCache(folder)
        self._get = get
        self._may_ask = may_ask
        self._lock = threading.Lock()
        self._shown: OrderedDict[tuple[str, Look], bytes] = OrderedDict()
        self._n_bytes = 0
        self._is_closed = False

    def close(self) -> None:
        """Fetch no more, and give the memory back."""
        self._is_closed = True
        with self._lock:
            self._shown.clear()
            self._n_bytes = 0
        _COUNTER.forget(self)

    @property
    def shown_bytes(self) -> int:
        """What the pictures in memory take."""
        with self._lock:
            return self._n_bytes

    def show(self, wanted: Wanted, look: Look, rank: Rank = "now") -> Shown:
        """What there is of a picture at once; what is not there yet is begun to be fetched."""
        key = wanted.key
        with self._lock:
            ready = self._shown.get((key, look))
            if ready is not None:
                self._shown.move_to_end((key, look))
                return Shown(ready)
        kept = self.cache.get(key)
        if kept is not None and kept.sentence:
            return Shown(sentence=kept.sentence)
        if kept is not None:
            try:
                return Shown(self._draw(wanted, key, kept.picture, look))
            except ServiceError:  # the file was changed by somebody else
                self.cache.forget(key)
        if not self._is_allowed(wanted):
            return Shown(sentence=OFF)
        _COUNTER.want(self, key, wanted, look, rank)
        return Shown()

    def fetch_ahead(self, wanted: Sequence[Wanted], look: Look) -> None:
        """Have pictures fetched that will be looked at soon, after those that are looked at."""
        for each in reversed(wanted):
            key = each.key
            with self._lock:
                is_there = (key, look) in self._shown
            if not is_there and self._is_allowed(each):
                _COUNTER.want(self, key, each, look, "soon")

    def drop_waiting(self) -> None:
        """Fetch nothing of what is not begun: something else is looked at by now."""
        _COUNTER.forget(self)

    def _is_allowed(self, wanted: Wanted) -> bool:
        request = wanted.request
        return request is None or (self._may_ask() and is_let_out(request))

    def _is_wanted(self) -> bool:
        return not self._is_closed and self._may_ask()

    def make(self, wanted: Wanted, look: Look) -> None:
        """Fetch a picture and keep it, or keep why there is none; for the threads that fetch."""
        key = wanted.key
        kept = self.cache.get(key)
        if (kept is not None and kept.sentence) or not self._is_allowed(wanted):
            return
        try:
            picture = kept.picture if kept else wanted.judge(self._answer(wanted, key))
        except _Failed as failed:
            if self._is_wanted():
                self.cache.keep_none(key, str(failed), FAILED_FOR_S)
            return
        except ServiceError as error:
            for_s = NONE_FOR_S if isinstance(error, NotThereError) else FAILED_FOR_S
            self.cache.keep_none(key, error.message, for_s)
            return
        if self._is_closed:
            return
        if kept is None and wanted.path is None:
            self.cache.keep(key, picture)
        self._draw(wanted, key, picture, look)

    def _answer(self, wanted: Wanted, key: str) -> Reply:
        if wanted.path is not None:
            return Reply(200, "", _read(wanted.path))
        assert wanted.request is not None, "a picture is had by a request or out of a file"
        try:
            reply = self._get(wanted.request, self._is_wanted)
        except ServiceError as error:
            raise _Failed(error.message) from error
        if reply.status >= 500 or reply.status == 429:
            # It may do better in a while: what it says is for the judge to put into words.
            try:
                wanted.judge(reply)
            except ServiceError as error:
                raise _Failed(error.message) from error
        return reply

    def _draw(self, wanted: Wanted, key: str, picture: bytes, look: Look) -> bytes:
        made = wanted.draw(picture, look)
        with self._lock:
            if not self._is_closed and (key, look) not in self._shown:
                self._shown[key, look] = made
                self._n_bytes += len(made)
            while self._n_bytes > SHOWN_BYTES and len(self._shown) > 1:
                _, gone = self._shown.popitem(last=False)
                self._n_bytes -= len(gone)
        return made


class _Failed(Exception):
    """Nobody answered, which may be otherwise in a while."""


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise ServiceError(f"'{path.name}' cannot be read.") from error
    if len(body) > MOST_FILE_BYTES:
        raise ServiceError(f"'{path.name}' is larger than {MOST_FILE_BYTES // 1_000_000} MB.")
    return body


_Queue: TypeAlias = "OrderedDict[tuple[int, str, Look], tuple[Gallery, Wanted]]"


class _Counter:
    """What is wanted by all galleries of the process, and the few threads that fetch it.

    What is looked at goes before what is only likely to be, that before what stands beside it, and
    of each the newest first.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: dict[Rank, _Queue] = {
            "now": OrderedDict(), "soon": OrderedDict(), "beside": OrderedDict(),
        }  # fmt: skip
        self._busy: set[tuple[int, str]] = set()
        self._threads: list[threading.Thread] = []

    def want(self, gallery: Gallery, key: str, wanted: Wanted, look: Look, rank: Rank) -> None:
        one = (id(gallery), key, look)
        with self._changed:
            if one[:2] in self._busy:
                return
            for other, queue in self._queues.items():
                if other == rank:
                    break
                if one in queue:
                    return
            for queue in self._queues.values():
                queue.pop(one, None)
            queue = self._queues[rank]
            queue[one] = (gallery, wanted)
            if len(queue) > MOST_WAITING:
                queue.popitem(last=False)
            if len(self._threads) < AT_ONCE:
                name = f"pictures-{len(self._threads)}"
                thread = threading.Thread(target=self._run, daemon=True, name=name)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def forget(self, gallery: Gallery) -> None:
        with self._changed:
            for queue in self._queues.values():
                for one in [one for one, (whose, _) in queue.items() if whose is gallery]:
                    del queue[one]
            self._changed.notify_all()

    def wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not (self._next() or self._busy))

    def _next(self) -> "_Queue | None":
        """The queue that is served first of those with something in them."""
        return next((queue for queue in self._queues.values() if queue), None)

    def _run(self) -> None:
        give_way()
        while True:
            with self._changed:
                queue = self._changed.wait_for(self._next)
                assert queue is not None, "what was waited for is there"
                (owner, key, look), (gallery, wanted) = queue.popitem()
                self._busy.add((owner, key))
            try:
                gallery.make(wanted, look)
            except Exception:  # a bug, or an extension's: others' pictures are still wanted
                _LOG.exception("A picture could not be made.")
                gallery.cache.keep_none(key, "It could not be drawn.", FAILED_FOR_S)
            with self._changed:
                self._busy.discard((owner, key))
                self._changed.notify_all()
            del gallery, wanted


_COUNTER = _Counter()


def wait_for_pictures() -> None:
    """Wait until everything that was asked for is there, or is known not to be."""
    _COUNTER.wait()
