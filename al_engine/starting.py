"""Starting a project: from a catalogue, a demo, or the one file that a whole project was saved as.

Owns the way from a file on disk to a project with good settings.  Must not know pages.
"""

import math
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from al_engine.data.catalogue import Catalogue
from al_engine.data.demo import DEMOS, Demo
from al_engine.data.importing import Imported
from al_engine.data.labels import AnswerLog
from al_engine.data.readers import Part, list_parts, open_table, refuse_unpacked
from al_engine.data.readers.source import refusal
from al_engine.data.selections import save_selection
from al_engine.errors import ProjectError, SettingsError, disk_said
from al_engine.exchange.whole import is_whole
from al_engine.exchange.whole_reading import WholeProject, read_whole
from al_engine.guesses import guess_config, label_choices, make_labels
from al_engine.home import IMPORTING, at_home
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.learning.metrics import Scores
from al_engine.lookahead import LOOKAHEAD
from al_engine.loop.scores import RoundScores
from al_engine.projects.creating import create_project
from al_engine.public import in_folder, most_members, most_unpacked_bytes, refuse_server_file
from al_engine.settings.config import Columns, Combination, Features, ProjectConfig


def import_file(
    home: Path,
    path: Path,
    *,
    part: str | None = None,
    name: str | None = None,
    folder_name: str | None = None,
    id_column: str | None = None,
    label_column: str | None = None,
    progress: Progress = lambda n_rows, of: None,
    cancelled: Cancelled = lambda: False,
) -> tuple[Path, Imported]:
    """Make a project of a catalogue, with guessed settings, or of a whole project as it was.

    Parameters
    ----------
    part : which HDU or table, where the file holds several
    name : the project's name; the file's where None
    id_column, label_column : chosen columns in place of guessed ones

    Raises
    ------
    UnreadableFileError, UnsuitableColumnError, UnknownColumnError, ProjectError,
    WorkCancelled : and then nothing is left behind
    """
    refuse_server_file(home, path)
    if is_whole(path):
        if id_column is not None or label_column is not None:
            raise SettingsError(
                f"{path.name} is a whole project, which has its columns chosen.",
                "Leave out the choice of columns.",
            )
        return _import_whole(home, path, folder_name, progress, cancelled)
    if (most_bytes := most_unpacked_bytes()) is not None:
        refuse_unpacked(path, most_bytes, cancelled)
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


def list_tables(home: Path, path: Path) -> list[Part]:
    """The tables of a file that holds several, for a person to choose from; else nothing.

    Raises
    ------
    UnreadableFileError, PublicServerError : the file will not be imported
    """
    refuse_server_file(home, path)
    return [] if is_whole(path) else list_parts(path)


def _import_whole(
    home: Path, path: Path, folder_name: str | None, progress: Progress, cancelled: Cancelled
) -> tuple[Path, Imported]:
    """Make the project of a whole project's file, with all that was answered and scored in it."""
    with _boundary(home), at_home(home):
        work = home / f"{IMPORTING}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        work.mkdir()
        try:
            room = most_unpacked_bytes() or shutil.disk_usage(home).free
            whole = read_whole(path, work, room, cancelled, most_members())
            config = _config_of(path, whole)

            def check_columns(catalogue: Catalogue, config: ProjectConfig) -> ProjectConfig:
                for name in _columns_used(config):
                    catalogue.column(name)
                return config

            def restore(folder: Path, log: AnswerLog) -> None:
                if whole.images.is_dir():
                    whole.images.rename(folder / "images")
                if whole.layout.is_file():
                    whole.layout.rename(folder / whole.layout.name)
                for selected in whole.selections:
                    save_selection(folder, selected.name, selected.rows, selected.how)
                log.restore(whole.events, whole.rounds)

            with LOOKAHEAD.paused():
                return create_project(
                    home,
                    whole.name.name or _plain_name(path),
                    whole.table,
                    config,
                    source=whole.name.source,
                    notice=whole.name.notice,
                    folder_name=folder_name,
                    progress=lambda n_rows: progress(n_rows, whole.table.n_rows),
                    cancelled=cancelled,
                    finish=check_columns,
                    restore=restore,
                )
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _config_of(path: Path, whole: WholeProject) -> ProjectConfig:
    """The settings in force in a whole project, all that its log holds being sound."""
    for kept in whole.rounds:
        try:
            scores = RoundScores.from_dict(dict(kept.scores))
            is_sound = all(map(_holds_numbers, (scores.training, scores.validation)))
        except (AttributeError, KeyError, TypeError, ValueError):
            is_sound = False
        if not is_sound:
            raise refusal(path, f"is damaged: what stands as scores of {ascii(kept.key)[:40]}")
    settings = [event for event in whole.events if event.kind == "settings"]
    return ProjectConfig.from_dict(settings[-1].payload or {}) if settings else ProjectConfig()


def _holds_numbers(scores: Any) -> bool:
    """Is whatever scores are made of a number, or none?"""
    if isinstance(scores, Scores):
        scores = {k: v for k, v in scores.to_dict().items() if k != "classes"}
    if isinstance(scores, dict | list | tuple):
        return all(map(_holds_numbers, scores.values() if isinstance(scores, dict) else scores))
    return scores is None or (isinstance(scores, int | float) and math.isfinite(scores))


def _columns_used(config: ProjectConfig) -> list[str]:
    columns = config.columns
    named = [
        *columns.info,
        *columns.images,
        *columns.texts,
        *columns.curves,
        *columns.pixels,
        *columns.missing,
    ]
    named += [
        name
        for name in (columns.id, columns.label, columns.ra, columns.dec, columns.redshift)
        if name
    ]
    return [*named, *config.features.columns]


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
        raise ProjectError(
            f"No project could be made{in_folder(home)}: {disk_said(error)}.",
            "Choose another folder, or see to its permissions and the free space.",
        ) from error


def demo_source(name: str) -> str:
    """What stands as the source of a project that was made from a demo."""
    return f"demo:{name}"


def source_title(source: str) -> str:
    """A project's source as a person knows it: a file's name, or the title of a demo.

    >>> source_title("demo:digits") == DEMOS["digits"].title, source_title("a.csv")
    (True, 'a.csv')
    """
    titles = {demo_source(name): demo.title for name, demo in DEMOS.items()}
    return titles.get(source, source)


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
            texts=tuple(settings["texts"]),
            combinations=tuple(Combination(op, n) for op, n in settings["combinations"]),
        ),
        train_labels=tuple(settings["labels_to_train"]),
        x_axis=settings["x_axis"],
        y_axis=settings["y_axis"],
        pictures=settings["pictures"],
    )


def begin_import(home: Path, path: Path, **options: Any) -> Job[Path]:
    """Import beside the page that waits for it; ``options`` are those of ``import_file``."""
    return Job(
        lambda progress, cancelled: import_file(
            home, path, progress=progress, cancelled=cancelled, **options
        )[0]
    )


def _plain_name(path: Path) -> str:
    name = path.name
    for suffix in (".gz", path.with_suffix("").suffix, path.suffix):
        name = name.removesuffix(suffix) if suffix else name
    return name or path.name


__all__ = [
    "DEMOS",
    "begin_import",
    "demo_config",
    "demo_source",
    "import_file",
    "start_demo",
]
