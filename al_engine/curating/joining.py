"""Joining further tables to a project's catalogue, and undoing that.

Owns what a join means for the settings: what a new table is compared by, what is shown of it, and
what an undo would take from whom.  Must not know pages.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from al_engine.data.columns import CatalogueColumn, CatalogueColumns
from al_engine.data.features import axis_feature
from al_engine.data.importing import kind_of
from al_engine.data.joined import MAX_NAME, JoinedTable
from al_engine.data.joining import dropping_joined, find_joined, join_table
from al_engine.data.readers import Part, list_parts, open_table, refuse_unpacked
from al_engine.data.table import Table
from al_engine.errors import SettingsError
from al_engine.guesses import guess_axes, guess_position, is_id
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.lookahead import LOOKAHEAD
from al_engine.public import (
    most_unpacked_bytes,
    refuse_overuse,
    refuse_server_file,
    refuse_size,
)
from al_engine.session import LabellingSession
from al_engine.settings.config import Columns, ProjectConfig
from al_engine.settings.criteria import Search

WITHIN_ARCSEC = 1.0  # what is proposed: astrometry of surveys agrees to some tenths
SHOWN = 30  # columns of a table that are shown beside each object, where they are to be


@dataclass(frozen=True)
class OpenedTable:
    """A file that is to be joined: its table, and by which of its columns that may be."""

    path: Path
    part: str | None
    table: Table
    columns: CatalogueColumns


def tables_in(home: Path, path: Path) -> list[Part]:
    """The tables of a file that holds several; else nothing."""
    refuse_server_file(home, path)
    return list_parts(path)


def open_to_join(home: Path, path: Path, part: str | None = None) -> OpenedTable:
    """Open a file whose columns are to join a catalogue.

    Raises
    ------
    UnreadableFileError, PublicServerError : it cannot be read, or is not to be
    """
    refuse_server_file(home, path)
    if (most_bytes := most_unpacked_bytes()) is not None:
        refuse_unpacked(path, most_bytes)
    table = open_table(path, part=part)
    columns = CatalogueColumns(
        CatalogueColumn(c.name, c.name, kind_of(c.type), c.unit, c.description)
        for c in table.columns
    )
    return OpenedTable(path, part, table, columns)


def propose(session: LabellingSession, opened: OpenedTable, *, by_position: bool) -> JoinedTable:
    """How a table is likely to be joined: the columns to compare and to take.

    A column that cannot be guessed is the first of its kind; where there is none there are none.
    """
    columns, catalogue = session.config.columns, session.project.catalogue
    ours: list[str | None]
    theirs: list[str | None]
    if by_position:
        ours = [columns.ra, columns.dec] if columns.ra else list(guess_position(catalogue))
        theirs = list(guess_position(opened.columns))
    else:
        ours = [columns.id or next(iter(catalogue.names()), None)]
        same = [name for name in opened.columns.names() if name == ours[0]]
        ids = [column.name for column in opened.columns.columns if is_id(column)]
        theirs = [next(iter([*same, *ids, *opened.columns.names()]), None)]
    compared = tuple(name for name in theirs if name)
    return JoinedTable(
        name=_plain_name(opened),
        ours=tuple(name for name in ours if name),
        theirs=compared,
        taken=tuple(name for name in opened.columns.names() if name not in compared),
        within_arcsec=WITHIN_ARCSEC if by_position else None,
        source=opened.path.name,
        part=opened.part,
    )


def _plain_name(opened: OpenedTable) -> str:
    stem = opened.path.name.split(".")[0] + (f"_{opened.part}" if opened.part else "")
    return re.sub(r"\W+", "_", stem).strip("_")[:MAX_NAME] or "table"


def begin_join(
    session: LabellingSession, opened: OpenedTable, wanted: JoinedTable, *, is_shown: bool = False
) -> Job[JoinedTable]:
    """Join beside the page that waits for it."""
    return Job(
        lambda progress, cancelled: join(
            session, opened.table, wanted, is_shown=is_shown, progress=progress, cancelled=cancelled
        )
    )


def join(
    session: LabellingSession,
    table: Table,
    wanted: JoinedTable,
    *,
    is_shown: bool = False,
    progress: Progress = lambda n_done, of: None,
    cancelled: Cancelled = lambda: False,
) -> JoinedTable:
    """Join a table to the project's catalogue; all of it, or nothing.

    Parameters
    ----------
    wanted : which columns are compared and taken
    is_shown : its first columns stand beside each object from now on

    Raises
    ------
    SettingsError, UnknownColumnError, UnsuitableColumnError, UnreadableFileError, WorkCancelled,
    ProjectError, PublicServerError
    """
    project, home = session.project, session.project.folder.parent
    catalogue = project.catalogue

    def heard(n_done: int, of: int | None) -> None:
        refuse_overuse(home)
        progress(n_done, of)

    refuse_size(table.n_rows or 0, len(catalogue.columns) + len(wanted.taken))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    wanted = replace(wanted, who=session.who, joined_at=now)
    with project.at_work(), LOOKAHEAD.paused():
        missing = session.config.columns.missing
        joined = join_table(catalogue, table, wanted, missing, heard, cancelled)
    if is_shown:
        config = session.config
        columns = config.columns
        shown = (*columns.info, *joined.columns[:SHOWN])
        if joined.within_arcsec is not None:
            shown = (*shown, joined.columns[-2])
        info = tuple(dict.fromkeys(shown))
        session.change_settings(
            replace(config, columns=replace(columns, info=info)), made_from=config
        )
    return joined


def features_of(config: ProjectConfig, joined: JoinedTable) -> tuple[str, ...]:
    """The features that are columns of a joined table."""
    return tuple(name for name in config.features.columns if name in joined.columns)


def criteria_of(config: ProjectConfig, joined: JoinedTable) -> int:
    """How many criteria of the test set's search are about columns of a joined table."""
    listed = [each for group in config.curation.search.groups for each in group.criteria]
    return sum(each.column in joined.columns for each in listed)


def refuse_undo(session: LabellingSession, joined: JoinedTable) -> None:
    """Raise where a join cannot be undone, whatever is left out: something else stands on it."""
    columns, catalogue = session.config.columns, session.project.catalogue
    for part, name in (
        ("the id", columns.id),
        ("the label", columns.label),
        ("the right ascension", columns.ra),
        ("the declination", columns.dec),
    ):
        if name in joined.columns:
            raise SettingsError(
                f"'{name}' of the table '{joined.name}' is {part} of the objects.",
                "Choose another column for that in step 2, Columns.",
            )
    for other in catalogue.joined:
        used = [name for name in other.ours if name in joined.columns]
        if used:
            raise SettingsError(
                f"The table '{other.name}' was joined by '{used[0]}' of '{joined.name}'.",
                f"Undo '{other.name}' first.",
            )
    left = [name for name in session.config.features.columns if name not in joined.columns]
    if session.config.setups and not left:
        raise SettingsError(
            f"Every feature is a column of the table '{joined.name}'.",
            "Choose another feature in step 3, Features.",
        )


def without(session: LabellingSession, joined: JoinedTable) -> ProjectConfig:
    """The settings with nothing in them of a joined table."""
    config = session.config
    gone = set(joined.columns)
    features = config.features
    base = tuple(name for name in features.base if name not in gone)
    made = tuple(each for each in features.combinations if each.n <= len(base))
    texts = tuple(name for name in features.texts if name not in gone)
    features = replace(features, base=base, combinations=made, texts=texts)
    config = replace(
        config,
        columns=_columns_without(config.columns, gone),
        features=features,
        curation=replace(config.curation, search=_search_without(config.curation.search, gone)),
    )
    axes = [axis_feature(name, session.config.features) for name in (config.x_axis, config.y_axis)]
    if features.columns and any(gone & set(axis.columns) for axis in axes):
        x_axis, y_axis = guess_axes(features, bool(features.combinations))
        config = replace(config, x_axis=x_axis, y_axis=y_axis)
    return config


def _columns_without(columns: Columns, gone: Set[str]) -> Columns:
    def left(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in gone)

    return replace(
        columns,
        info=left(columns.info),
        images=left(columns.images),
        texts=left(columns.texts),
        curves=left(columns.curves),
        redshift=None if columns.redshift in gone else columns.redshift,
        pixels=() if gone & set(columns.pixels) else columns.pixels,
        missing={name: values for name, values in columns.missing.items() if name not in gone},
    )


def _search_without(search: Search, gone: Set[str]) -> Search:
    groups = (
        replace(group, criteria=tuple(c for c in group.criteria if c.column not in gone))
        for group in search.groups
    )
    return replace(search, groups=tuple(group for group in groups if group.criteria))


def undo_join(session: LabellingSession, name: str, *, leave_out: bool = False) -> None:
    """Take a joined table's columns away again, from the settings too.

    Parameters
    ----------
    leave_out : features among them are left out; without, they stop the undo

    Raises
    ------
    SettingsError : something stands on its columns, which is named
    """
    project = session.project
    joined = find_joined(project.catalogue, name)
    refuse_undo(session, joined)
    used = features_of(session.config, joined)
    if used and not leave_out:
        raise SettingsError(
            f"The table '{name}' is in use: {', '.join(used[:8])} "
            f"{'are features' if len(used) > 1 else 'is a feature'} of the classifiers.",
            "Leave them out first, or with it.",
        )
    with project.at_work(), LOOKAHEAD.paused():
        with dropping_joined(project.catalogue, name):
            session.change_settings(without(session, joined))
        project.forget_arrays()
