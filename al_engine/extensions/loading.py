"""The folder of extensions: each file run once in a process, and kept whole or left out.

Owns finding and running the files, and the sentence for each that is left out.  Must not know what
may be registered, nor projects.
"""

import hashlib
import os
import sys
import threading
import types
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from al_engine.errors import AlEngineError, ContractError
from al_engine.extensions.registering import MEND, Registering
from al_engine.home import EXTENSIONS
from al_engine.origin import Origin, in_words, line_of
from al_engine.public import is_public

SWITCH = "SEXTANT_EXTENSIONS"
MAX_FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class Entry:
    """Something that an extension brought: its kind, name and title, and the file."""

    kind: str
    name: str
    title: str
    origin: Origin


@dataclass(frozen=True)
class Fault:
    """Why a file was left out, in a sentence, and the line of it that this is about.

    ``kinds`` are what it would have offered, as far as it came; none where it came to nothing.
    """

    file: str
    line: int | None
    message: str
    kinds: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.file}{'' if self.line is None else f', line {self.line}'}: {self.message}"


@dataclass(frozen=True)
class Loaded:
    """What the folder of extensions came to; ``n_files`` counts files of Python in it."""

    is_on: bool
    n_files: int = 0
    entries: tuple[Entry, ...] = ()
    faults: tuple[Fault, ...] = ()


_LOCK = threading.RLock()
_loaded: dict[Path, Loaded] = {}


def is_switched_on() -> bool:
    """Has whoever started this process asked for extensions?  A server for strangers has none."""
    return os.environ.get(SWITCH) == "1" and not is_public()


def load_extensions(home: Path) -> Loaded:
    """Run the files of ``<home>/extensions`` in the order of their names, once in a process.

    A file that fails is left out whole, and its fault is told; nothing is raised.
    """
    folder = home / EXTENSIONS
    with _LOCK:
        if folder not in _loaded:
            files = _files(folder)
            _loaded[folder] = _load(files) if is_switched_on() else Loaded(False, len(files))
        return _loaded[folder]


def _files(folder: Path) -> list[Path]:
    """The files to run; one whose name begins with a dot or an underscore is the user's own."""
    try:
        return sorted(path for path in folder.glob("*.py") if path.name[0] not in "._")
    except OSError:
        return []


def _load(files: Sequence[Path]) -> Loaded:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for path in files:
        kinds: set[str] = set()
        try:
            entries += _run(path, kinds)
        except KeyboardInterrupt:
            raise  # that is the person at the terminal
        except BaseException as error:  # whatever else it raises, pages must open
            faults.append(_fault(path, error, kinds))
    return Loaded(True, len(files), tuple(entries), tuple(faults))


def _run(path: Path, kinds: set[str]) -> list[Entry]:
    """Run one file, and keep what it registers if all of it went well; ``kinds`` tells of what."""
    if not path.stem.isidentifier():
        raise ContractError(
            "No module of Python can be called so.", "Use letters, digits and underscores."
        )
    content = _read(path)
    origin = Origin(str(path), hashlib.sha256(content).hexdigest())
    # Not the file's own name: one called random.py must not stand in the way of Python's.
    module = types.ModuleType(f"sextant_extension_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # so that its classes can be saved
    try:
        with Registering(origin, kinds=kinds) as file:
            exec(compile(content, str(path), "exec", dont_inherit=True), module.__dict__)
        if not file.made:
            raise ContractError("It registers nothing.", "Call register_model, or one of its kind.")
    except BaseException:
        sys.modules.pop(module.__name__, None)
        raise
    file.keep()
    return [Entry(kind, made.name, made.title, origin) for kind, _, made in file.made]


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ContractError("It is no file.", "Put a file of Python there, or remove it.")
    with path.open("rb") as opened:
        content = opened.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ContractError(
            f"It is larger than {MAX_FILE_BYTES // 1_000_000} MB.", "An extension is a short file."
        )
    return content


def _fault(path: Path, error: BaseException, kinds: set[str]) -> Fault:
    said = str(error) if isinstance(error, AlEngineError) else f"{in_words(error)}."
    said = said.replace(MEND, "Mend it and start Sextant again.")  # nobody works with it yet
    line = line_of(error, str(path))
    for place in (f" ({path.name}, line {line})", f" ({path.name})"):
        said = said.replace(place, "")  # it stands before the sentence
    return Fault(path.name, line, " ".join(said.split()), frozenset(kinds))
