"""Starting a project: from a file, or from a demo; in the background where someone waits.

Owns the way from a file on disk to a project with good settings.  Must not know pages.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from al_engine.config import Columns, Combination, Features, ProjectConfig
from al_engine.data.catalogue import Catalogue
from al_engine.data.demo import DEMOS, Demo
from al_engine.data.importing import Imported
from al_engine.data.readers import open_table
from al_engine.data.readers.source import in_brief
from al_engine.errors import AlEngineError, ProjectError, SettingsError
from al_engine.guesses import guess_config, label_choices, make_labels
from al_engine.lookahead import LOOKAHEAD
from al_engine.project import create_project


def import_file(
    home: Path,
    path: Path,
    *,
    part: str | None = None,
    name: str | None = None,
    folder_name: str | None = None,
    id_column: str | None = None,
    label_column: str | None = None,
    progress: Callable[[int, int | None], None] = lambda n_rows, of: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Path, Imported]:
    """Make a project of a file, with guessed settings.

    Parameters
    ----------
    part : which HDU or table, where the file holds several
    name : the project's name; the file's where None
    id_column, label_column : chosen columns in place of guessed ones

    Raises
    ------
    UnreadableFileError, UnsuitableColumnError, UnknownColumnError, ProjectError,
    ImportCancelled : and then nothing is left behind
    """
    table = open_table(path, part=part, cancelled=cancelled)

    def finish(catalogue: Catalogue, _: ProjectConfig) -> ProjectConfig:
        for column in (id_column, label_column):
            if column is not None:
                catalogue.column(column)
        if id_column is not None:
            catalogue.check_id(id_column)
        return guess_config(catalogue, id_column=id_column, label_column=label_column)

    with _boundary(home), LOOKAHEAD.paused():
        return create_project(
            home,
            name or _plain_name(path),
            table,
            ProjectConfig(),
            source=path.name,
            folder_name=folder_name,
            progress=lambda n_rows: progress(n_rows, table.n_rows),
            cancelled=cancelled,
            finish=finish,
        )


def start_demo(home: Path, name: str) -> Path:
    """Make a project of a demo, set up to the first question.

    Raises
    ------
    SettingsError : no such demo
    ProjectError : the disk would not have it
    """
    if name not in DEMOS:
        raise SettingsError(f"There is no demo '{name}'.", f"There are {', '.join(DEMOS)}.")
    demo = DEMOS[name]
    with _boundary(home):
        folder, _ = create_project(
            home,
            demo.title,
            demo.open(),
            ProjectConfig(),
            source=demo_source(name),
            notice=demo.sentence,
            finish=lambda catalogue, _: demo_config(demo, catalogue),
        )
    return folder


@contextmanager
def _boundary(home: Path) -> Iterator[None]:
    """Turn what the disk refuses into one sentence."""
    try:
        yield
    except OSError as error:
        reason = in_brief(error.strerror or str(error))
        raise ProjectError(
            f"No project could be made in '{home}': {reason}.",
            "Choose another folder, or see to its permissions and the free space.",
        ) from error


def demo_source(name: str) -> str:
    """What stands as the source of a project that was made from a demo."""
    return f"demo:{name}"


def demo_config(demo: Demo, catalogue: Catalogue) -> ProjectConfig:
    """The settings of a demo as a project's."""
    settings = demo.settings
    labels, _ = label_choices(catalogue, settings["label"])
    names: dict[str, str] = dict(settings["label_names"])
    shown = [label.value for label in labels if label.value in names]
    return ProjectConfig(
        labels=tuple(replace(label, name=names[label.value]) for label in make_labels(shown)),
        columns=Columns(
            id=settings["id"],
            label=settings["label"],
            unknown=tuple(settings["unknown"]),
            ra=settings["ra"],
            dec=settings["dec"],
            info=tuple(settings["info"]),
            pixels=tuple(settings["pixels"]),
            image_width_px=settings["image_shape"][1] if settings["image_shape"] else 0,
        ),
        features=Features(
            base=tuple(settings["features"]),
            combinations=tuple(Combination(op, n) for op, n in settings["combinations"]),
        ),
        train_labels=tuple(settings["labels_to_train"]),
        x_axis=settings["x_axis"],
        y_axis=settings["y_axis"],
        pictures=settings["pictures"],
    )


class ImportJob:
    """An import that runs beside the page that waits for it.

    ``n_rows`` of ``of`` rows are in (``of`` None where the file does not say); once ``is_done``,
    either ``folder`` or ``error`` is there, unless it was cancelled.
    """

    def __init__(self, home: Path, path: Path, **options: Any) -> None:
        self.n_rows = 0
        self.of: int | None = None
        self.folder: Path | None = None
        self.error: AlEngineError | None = None
        self._fault: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(home, path, options), daemon=True, name="import"
        )
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait a little; whether it is done."""
        self._thread.join(seconds)
        return self.is_done

    def cancel(self) -> None:
        self._stop.set()

    def result(self) -> Path:
        """The project's folder, once done; raises what went wrong."""
        if self.error is not None:
            raise self.error
        if self._fault is not None:
            raise self._fault
        assert self.folder is not None, "asked for before it was done"
        return self.folder

    def _run(self, home: Path, path: Path, options: dict[str, Any]) -> None:
        try:
            self.folder, _ = import_file(
                home, path, progress=self._note, cancelled=self._stop.is_set, **options
            )
        except AlEngineError as error:
            self.error = error
        except BaseException as fault:
            # A thread's exception would vanish; the page that waits raises it instead.
            self._fault = fault

    def _note(self, n_rows: int, of: int | None) -> None:
        self.n_rows, self.of = n_rows, of


def _plain_name(path: Path) -> str:
    name = path.name
    for suffix in (".gz", path.with_suffix("").suffix, path.suffix):
        name = name.removesuffix(suffix) if suffix else name
    return name or path.name


__all__ = [
    "DEMOS",
    "ImportJob",
    "demo_config",
    "demo_source",
    "import_file",
    "start_demo",
]
