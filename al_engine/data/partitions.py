"""Work on partitions: in this process, or on the workers of a Dask cluster.

Owns the connection to a scheduler, the sending of tasks and the size of what comes back; it alone
knows Dask, which need not be installed.  Must not know what a task does.
"""

import hashlib
import os
import pickle
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from operator import getitem, itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from al_engine.data.parquet_rows import Partition
from al_engine.data.readers.source import in_brief
from al_engine.errors import AlEngineError, ClusterError
from al_engine.lookahead import Overtaken

# A task takes a partition and a job, which is the same for all partitions; it yields what is to be
# sent back, piece by piece.
Task: TypeAlias = Callable[[Partition, Any], Iterator[Any]]
# A part of a frame, which stays where it is made.
Piece: TypeAlias = Callable[[Partition, Any], pd.DataFrame]
IsWanted: TypeAlias = Callable[[], bool]
# Yields what a task yields of all partitions, in any order.
Run: TypeAlias = Callable[[Task, Sequence[Partition], Any, IsWanted], Iterator[Any]]

MOST_RETURNED = 1_000_000  # bytes of a piece
ADDRESS = "SEXTANT_DASK"
CONNECT_S = 10.0
WITHOUT_WORKERS_S = 30.0  # a worker that died is started again within seconds
_LOOK_EVERY_S = 2.0
_POLL_S = 0.02
# What decides a result; a worker with another version of these might give another.
_DECISIVE = ("numpy", "scipy", "scikit-learn", "numba", "duckdb", "pyarrow", "dask", "distributed")


def in_process(
    task: Task, partitions: Sequence[Partition], job: Any, is_wanted: IsWanted = lambda: True
) -> Iterator[Any]:
    """Do a task for each partition, one after the other: the same as on workers, without Dask.

    Raises
    ------
    Overtaken : it is no longer wanted
    """
    for partition in partitions:
        if not is_wanted():
            raise Overtaken
        yield from task(partition, job)


class Workers:
    """The workers of a Dask cluster; made by ``connect``, closed by ``close``."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def run(
        self,
        task: Task,
        partitions: Sequence[Partition],
        job: Any,
        is_wanted: IsWanted = lambda: True,
    ) -> Iterator[Any]:
        """Do a task for each partition on the workers; a task whose worker dies is done again.

        Raises
        ------
        ClusterError : workers die of it, or none is left, or the scheduler is gone
        AlEngineError : what the task raises
        Overtaken : it is no longer wanted
        """
        with self._boundary():
            # The job is a task as well: one that is lost with its worker can be made again.
            given = self._client.submit(_as_it_is, job, pure=False)
            made = [
                self._client.submit(_pieces, task, partition, given, pure=False)
                for partition in partitions
            ]
        yield from self._pieces(made, is_wanted)

    def aggregate(
        self,
        piece: Piece,
        partitions: Sequence[Partition],
        job: Any,
        meta: Any,
        draw: Callable[[Any], Any],
        is_wanted: IsWanted = lambda: True,
    ) -> npt.NDArray[Any]:
        """What ``draw`` makes of the Dask frame whose partitions ``piece`` makes.

        Parameters
        ----------
        meta : pandas frame without rows, of the columns and types that ``piece`` gives
        draw : from a Dask frame to an xarray; it is summed up on the workers, and comes back in
            bands of rows
        """
        import dask
        import dask.dataframe

        def get(graph: Any, keys: Sequence[str], **_: Any) -> list[Any]:
            with self._boundary():
                [drawn] = self._client.get(graph, list(keys), sync=False)
            # Whatever depends on it can only be asked for once the scheduler has taken it in.
            next(self._results([drawn], is_wanted, fetch=False))
            with self._boundary():
                bands = self._client.submit(_bands, drawn, pure=False)
            sent = sorted(self._pieces([bands], is_wanted), key=itemgetter(0))
            return [np.concatenate([band for _, band in sent])]

        # Frames of delayed pieces are more than Datashader can follow: a frame of the partitions'
        # places stands for them, and what all of them need is delayed once.
        given = dask.delayed((piece, tuple(partitions), job), traverse=False, pure=False)
        places = dask.dataframe.from_map(_place, range(len(partitions)), meta=_place(0)[:0])
        frame = places.map_partitions(_piece, given, meta=meta, enforce_metadata=False)
        # Who computes a frame is a setting of the whole process.
        with _SETTING, dask.config.set(scheduler=get):
            return np.asarray(draw(frame))

    def _pieces(self, made: Sequence[Any], is_wanted: IsWanted) -> Iterator[Any]:
        """Fetch what lists on workers hold, one by one, as the lists come to be."""
        try:
            with self._boundary():
                sizes = [
                    self._client.submit(_size, i, pieces, pure=False)
                    for i, pieces in enumerate(made)
                ]
            for i, n in self._results(sizes, is_wanted):
                with self._boundary():
                    sent = [self._client.submit(getitem, made[i], j, pure=False) for j in range(n)]
                yield from self._results(sent, is_wanted)
        finally:
            if self._client.status == "running":
                self._client.cancel(list(made))

    def _results(
        self,
        futures: Sequence[Any],
        is_wanted: IsWanted,
        *,
        within_s: float | None = None,
        fetch: bool = True,
    ) -> Iterator[Any]:
        """Yield results as they come in; None for each where they are not to be fetched."""
        from distributed import as_completed

        ends_at = None if within_s is None else time.monotonic() + within_s
        seen_at = looked_at = time.monotonic()
        done = as_completed(futures, loop=self._client.loop, with_results=fetch, raise_errors=False)
        try:
            while not done.is_empty():
                if not is_wanted():
                    raise Overtaken
                if done.has_ready():
                    for item in done.next_batch(block=False):
                        future, result = item if fetch else (item, None)
                        if future.status != "finished":
                            raise self._failure(future)
                        yield result
                    continue
                time.sleep(_POLL_S)
                now = time.monotonic()
                if ends_at is not None and now > ends_at:
                    raise self._lost(f"has a worker that did not answer for {within_s:g} s")
                if now - looked_at > _LOOK_EVERY_S:
                    looked_at = now
                    if self.addresses():
                        seen_at = time.monotonic()
                    elif now - seen_at > WITHOUT_WORKERS_S:
                        raise self._lost(
                            f"has had no worker that takes work for {WITHOUT_WORKERS_S:g} s",
                            "Start some, or give them more memory: Dask pauses those short of it.",
                        )
        finally:
            if not done.is_empty() and self._client.status == "running":
                self._client.cancel(list(futures))

    def addresses(self) -> list[str]:
        """Where the workers are that take work at present: one short of memory does not."""
        with self._boundary():
            known = self._client.sync(
                self._client.scheduler.identity, n_workers=-1, callback_timeout=CONNECT_S
            )
        return [a for a, worker in known["workers"].items() if worker["status"] == "running"]

    def check_versions(self) -> None:
        """Refuse workers whose Python, libraries or Sextant are not this process's.

        Raises
        ------
        ClusterError : names the first difference
        """
        here = versions()
        for worker in self.addresses():
            with self._boundary():
                asked = self._client.submit(
                    versions, workers=[worker], allow_other_workers=False, pure=False
                )
            there = next(self._results([asked], lambda: True, within_s=3 * CONNECT_S))
            for name in here:
                if there.get(name) != here[name]:
                    raise ClusterError(
                        f"The Dask worker at {worker} has {name} {there.get(name)}, but here it is "
                        f"{here[name]}.",
                        "Install the same versions in both places.",
                    )

    def _failure(self, future: Any) -> AlEngineError:
        """What a task that did not finish comes to."""
        from distributed.scheduler import KilledWorker

        if future.status != "error":
            return self._lost("went away, or lost what it was given")
        with self._boundary():
            error = future.exception(timeout=CONNECT_S)
        if isinstance(error, AlEngineError):
            return error
        if isinstance(error, KilledWorker):
            failure = self._lost(
                "lost a worker each time it did the same partition",
                "Give workers more memory, or see in their log what ends them.",
            )
        else:
            reason = in_brief(str(error))
            failure = self._lost(
                f"has a worker that failed: {type(error).__name__}: {reason}",
                "See its log; Sextant and its libraries have to be installed there.",
            )
        failure.__cause__ = error
        return failure

    def _lost(self, what: str, hint: str = "Start it again, or its workers.") -> ClusterError:
        return ClusterError(f"The Dask cluster at {self._address} {what}.", hint)

    @contextmanager
    def _boundary(self) -> Iterator[None]:
        """Turn what Dask says of a scheduler that is gone into one sentence."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            raise self._lost("does not answer") from error


_SETTING = threading.Lock()


def connect(address: str | None = None) -> Workers:
    """Connect to the Dask scheduler at an address, or at that of SEXTANT_DASK.

    Raises
    ------
    ClusterError : Dask is not installed, nobody answers there, there is no worker, or a worker has
        other versions than this process
    """
    address = address or os.environ.get(ADDRESS, "")
    if not address:
        raise ClusterError(
            "No Dask scheduler is named.", f"Set {ADDRESS} to its address, as tcp://host:8786."
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            "Dask is not installed.", "Install it: pip install -r requirements-dask.txt."
        ) from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False, name="sextant")
    except (OSError, ValueError, RuntimeError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {address}.", f"Start it, or correct {ADDRESS}."
        ) from error
    workers = Workers(client, address)
    try:
        if not workers.addresses():
            raise ClusterError(
                f"The Dask scheduler at {address} has no worker.",
                f"Start one: dask worker {address}.",
            )
        workers.check_versions()
    except BaseException:
        workers.close()
        raise
    return workers


@cache
def versions() -> dict[str, str]:
    """What decides a result, with the versions of this process."""
    digest = hashlib.sha256()
    for file in sorted(_PACKAGE.rglob("*.py")):
        digest.update(file.relative_to(_PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    major, minor, _ = platform.python_version_tuple()
    installed = {name: version(name) for name in _DECISIVE}
    return {"Python": f"{major}.{minor}", "Sextant": digest.hexdigest()[:12], **installed}


_PACKAGE = Path(__file__).resolve().parents[1]


# -- on a worker -------------------------------------------------------------------------------


def _as_it_is(job: Any) -> Any:
    return job


def _pieces(task: Task, partition: Partition, job: Any) -> list[Any]:
    """Do a task; refuse to send back more at a time than was promised."""
    made = list(task(partition, job))
    for piece in made:
        n_bytes = len(pickle.dumps(piece, protocol=pickle.HIGHEST_PROTOCOL))
        if n_bytes > MOST_RETURNED:
            raise ClusterError(
                f"{task.__name__} would send back {n_bytes:,} bytes; {MOST_RETURNED:,} are allowed."
            )
    return made


def _size(i: int, made: Sequence[Any]) -> tuple[int, int]:
    return i, len(made)


def _place(i: int) -> pd.DataFrame:
    return pd.DataFrame({"place": [i]})


def _piece(place: pd.DataFrame, given: tuple[Piece, Sequence[Partition], Any]) -> pd.DataFrame:
    piece, partitions, job = given
    return piece(partitions[int(place["place"].iloc[0])], job)


def _bands(drawn: Any) -> list[tuple[int, npt.NDArray[Any]]]:
    """A picture in bands of rows, each with the place of its first."""
    picture = drawn.to_numpy()
    height = max(1, MOST_RETURNED // 2 // max(1, picture[0].nbytes))
    starts = range(0, len(picture), height)
    return [(start, np.ascontiguousarray(picture[start : start + height])) for start in starts]
