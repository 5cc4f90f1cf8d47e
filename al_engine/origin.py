"""Where something comes from that Sextant did not bring along: a file, and a line of it.

Owns how such a file is named and how the line is found at which it failed.  Must not know what
is in it.
"""

import difflib
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from al_engine.errors import ContractError

MAX_SHOWN = 160


@dataclass(frozen=True)
class Origin:
    """A file of Python, and the SHA-256 of its bytes."""

    path: str
    sha256: str

    @property
    def file(self) -> str:
        return Path(self.path).name

    @contextmanager
    def blamed(self, what: str, hint: str) -> Iterator[None]:
        """Turn what a call of this file raises into a sentence with the line of it."""
        try:
            yield
        except Exception as error:
            raise ContractError(
                f"{what} ({self.place(error)}) failed: {in_words(error)}.", hint
            ) from error

    def place(self, error: BaseException) -> str:
        """The file, and the innermost line of it that an error passed through."""
        line = line_of(error, self.path)
        return self.file if line is None else f"{self.file}, line {line}"


def named_instead(name: str, known: Iterable[str]) -> str:
    """The hint where something is asked for by a name that is not there.

    >>> named_instead("kn", ["knn", "forest"])
    'Closest: knn; or start Sextant with the extension that brings it.'
    >>> named_instead("x", ["knn", "forest"])
    'There are knn, forest; or start Sextant with the extension that brings it.'
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3)
    said = f"Closest: {', '.join(close)}" if close else f"There are {', '.join(known)}"
    return f"{said}; or start Sextant with the extension that brings it."


def line_of(error: BaseException, path: str) -> int | None:
    """The innermost line of a file that an error, or what caused it, passed through."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or None
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    if error.__cause__ is not None:
        lines.append(line_of(error.__cause__, path))
    found = [line for line in lines if line is not None]
    return found[-1] if found else None


def in_words(error: BaseException) -> str:
    """An error of somebody else's code, in one short line.

    >>> in_words(ValueError("no luck"))
    'ValueError: no luck'
    """
    said = error.msg if isinstance(error, SyntaxError) else error
    text = " ".join(f"{type(error).__name__}: {said}".removesuffix(": ").split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
