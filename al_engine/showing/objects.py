"""Everything known about one object, ready to be shown.

Owns the object's card.  Must not know pages; what it hands out
is text, numbers and arrays.
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.curating.noting import Note, notes_shown
from al_engine.data.columns import CatalogueColumn
from al_engine.data.history import History
from al_engine.data.splits import PART_NAMES
from al_engine.errors import AnswerRefusedError
from al_engine.loop.fitting import Fit, class_probabilities
from al_engine.loop.truth import part_in_force
from al_engine.projects.dataset import Dataset
from al_engine.projects.texts import TextMatrix
from al_engine.public import is_public
from al_engine.services.cutouts import SPECOBJID
from al_engine.services.fetching import is_web_address
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ALL_LABELS, ProjectConfig
from al_engine.showing.covering import share_as_far
from al_engine.showing.places import Position, position_of
from al_engine.showing.reading import Mark, marks, weights_of
from al_engine.showing.told import Told, told_of

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".fits", ".fit", ".fits.gz")
MAX_LETTERS = 50_000
_LINE_END = re.compile(r"<br\s*/?>", re.I)  # as web pages write it; in a text it ends a line too
MOST_LIKELY = 5  # labels, of which a card tells how likely they are


@dataclass(frozen=True)
class Value:
    """A value as it is shown, with its unit and what it means."""

    name: str
    text: str
    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class Picture:
    """An image of an object: an address, a file, or pixels; else a sentence why there is none."""

    name: str
    address: str = ""
    path: Path | None = None
    pixels: npt.NDArray[np.uint8] | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Text:
    """A text to read, line by line; ``is_cut`` says that there is more of it than is shown.

    ``marks`` are the words that weigh most for the model, and ``towards`` what they speak for or
    against; ``note`` says why there are none.
    """

    name: str
    lines: tuple[str, ...]
    is_cut: bool = False
    marks: tuple[Mark, ...] = ()
    towards: str = ""
    note: str = ""


@dataclass(frozen=True)
class ObjectCard:
    """What is known of an object; labels by name, None where there is none.

    ``is_own`` says that the verified label is of the person who looks.  ``is_kept_back`` that what
    others said of it, and the models with them, is not shown until that person has answered too;
    ``is_untold`` that what the models say is not, while some questions are asked twice.
    ``probabilities`` are those of each classifier's own label, ``likeliest`` the highest of the
    classifier over all labels; empty without one, or where it does not speak of the object.
    ``classifier`` is the one whose state it is of, "" for none.
    ``as_far`` is the share of labelled objects that lie as far from the next ones as this one does,
    None where that is not told.
    """

    row: int
    object_id: str
    position: Position | None
    info: tuple[Value, ...]
    features: tuple[Value, ...]
    pictures: tuple[Picture, ...]
    catalogue_label: str | None
    verified_label: str | None
    probabilities: tuple[tuple[str, float | None], ...]
    likeliest: tuple[tuple[str, float], ...]
    part: str
    is_own: bool = True
    is_kept_back: bool = False
    texts: tuple[Text, ...] = ()
    told: tuple[Told, ...] = ()
    notes: tuple[Note, ...] = ()
    is_untold: bool = False
    classifier: str = ""
    as_far: float | None = None


def object_card(
    session: LabellingSession,
    state: State | None,
    row: int,
    verified: Mapping[int, str] | None = None,
) -> ObjectCard:
    """Gather what is known of the object in ``row``, as one classifier's state has it.

    Without a state no classifier has a say, and ``verified`` are the labels given.

    Raises
    ------
    AnswerRefusedError : the catalogue has no such row
    """
    config, project = session.config, session.project
    columns, catalogue = config.columns, project.catalogue
    if not 0 <= row < catalogue.n_rows:
        raise AnswerRefusedError(
            f"There is no object in row {row:,}: rows go from 0 to {catalogue.n_rows - 1:,}.",
            "Look for the object by its id.",
        )
    dataset = project.dataset()
    base = [name for name in config.features.base if name not in columns.pixels]
    object_id, found = catalogue.id_and_values(columns.id, row, columns_shown(session))
    code = int(dataset.codes[row])
    history = state.history if state is not None else History()
    own = {} if history.own is None else history.own.verified
    given = own.get(row, (history.verified if verified is None else verified).get(row))
    is_kept_back = row in history.kept_back
    is_asked = state is not None and state.question is not None and state.question.row == row
    is_untold = is_asked and config.asking.repeat_every > 0
    return ObjectCard(
        row,
        object_id,
        position_of(columns, found),
        tuple(_value(catalogue.column(name), found[name]) for name in columns.info),
        (
            *(_value(catalogue.column(name), found[name]) for name in base),
            *_words(dataset, row),
            *_axes(session, row),
        ),
        pictures(session, found),
        config.label_name(dataset.values[code]) if code >= 0 else None,
        None if given is None else config.label_name(given),
        () if state is None or is_untold else tuple(_probabilities(session, state, row)),
        () if state is None or is_untold else _likeliest(session, state, row),
        PART_NAMES[part_in_force(dataset, history, row)],
        is_own=history.own is None or row in own,
        is_kept_back=is_kept_back,
        is_untold=is_untold,
        classifier="" if state is None else state.classifier,
        as_far=None if state is None else share_as_far(session, state, row),
        texts=_texts(dataset, config, state, row, found),
        told=() if is_untold else told_of(session, row, is_kept_back=is_kept_back),
        notes=() if is_untold else notes_shown(session, row, is_kept_back=is_kept_back),
    )


def columns_shown(session: LabellingSession) -> list[str]:
    """Every column that a card, its pictures and its curves are made of: they are asked together.

    What an object's card has asked of the catalogue, its pictures need not ask again.
    """
    columns = session.config.columns
    wanted: list[str | None] = [*columns.info, *session.config.features.base, *columns.images]
    wanted += [
        *texts_shown(session.config),
        *columns.pixels,
        columns.ra,
        columns.dec,
        specobjid_column(session),
    ]
    # A curve that has no column is told in the curve's own place, and takes nothing else away.
    names = session.project.catalogue.names()
    wanted += [name for name in (*columns.curves, columns.redshift) if name in names]
    return list(dict.fromkeys(name for name in wanted if name))


def specobjid_column(session: LabellingSession) -> str | None:
    """The column with the numbers of the objects' spectra in SDSS."""
    names = session.project.catalogue.names()
    return next((name for name in names if name.lower() == SPECOBJID), None)


def _axes(session: LabellingSession, row: int) -> list[Value]:
    """Where the object lies on the maps, where an axis is no column but made of some."""
    config, columns = session.config, session.project.catalogue.names()
    made = [name for name in dict.fromkeys((config.x_axis, config.y_axis)) if name]
    return [
        Value(name, show_number(float(session.project.axis(name)[row])), "", "map axis")
        for name in made
        if name not in columns
    ]


def _words(dataset: Dataset, row: int) -> list[Value]:
    """How many terms of a text the models know: themselves they are too many to list."""
    if not isinstance(dataset.X, TextMatrix):
        return []
    words = dataset.X.words
    n = int(words.indptr[row + 1] - words.indptr[row])
    return [Value("terms", f"{n:,}", "", "words and pairs that the models know")]


def _texts(
    dataset: Dataset,
    config: ProjectConfig,
    state: State | None,
    row: int,
    found: Mapping[str, Any],
) -> tuple[Text, ...]:
    """The texts to be read; in those that are features, what weighs for the model is marked."""
    texts = [_text(name, found[name]) for name in texts_shown(config)]
    weights = weights_of(dataset, state, row)
    return tuple(
        replace(
            text,
            marks=marks(text.lines, weights.of, weights.towards),
            towards=weights.towards,
            note=weights.note,
        )
        if text.name in config.features.texts
        else text
        for text in texts
    )


def texts_shown(config: ProjectConfig) -> tuple[str, ...]:
    """The columns that are read of an object: those chosen to be, then those that are features."""
    return tuple(dict.fromkeys((*config.columns.texts, *config.features.texts)))


def beginning(value: Any, n_letters: int) -> str:
    """The beginning of a text, in one line; a dash where there is none."""
    text = "" if value is None else str(value)[:MAX_LETTERS]
    line = " ".join(_LINE_END.sub(" ", text).split()) or "–"
    return line if len(line) <= n_letters else f"{line[: n_letters - 1]}…"


def show_number(value: Any) -> str:
    """A value as a person reads it: whole numbers in full, reals to seven figures."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.7g}"
    return str(value)


def _value(column: CatalogueColumn, value: Any) -> Value:
    return Value(column.name, show_number(value), column.unit, column.description)


def _text(name: str, value: Any) -> Text:
    """A text in lines."""
    text = "" if value is None else str(value)
    shown = _LINE_END.sub("\n", text[:MAX_LETTERS])
    lines = tuple(line.strip() for line in shown.splitlines() if line.strip())
    return Text(name, lines, is_cut=len(text) > MAX_LETTERS)


def _probabilities(
    session: LabellingSession, state: State, row: int
) -> list[tuple[str, float | None]]:
    """Of each classifier that has a model: what it gives to the object."""
    listed: list[tuple[str, float | None]] = []
    for label in session.config.train_labels:
        fit = _telling_fit(session, state, label, row)
        if fit is not None and label != ALL_LABELS:
            # What tests is answered about without the classifier's word.
            p = math.nan if row in state.history.curated else float(fit.proba[row])
            listed.append((session.config.label_name(label), None if math.isnan(p) else p))
    return listed


def _likeliest(session: LabellingSession, state: State, row: int) -> tuple[tuple[str, float], ...]:
    """What the classifier over all labels gives to the likeliest, and how much to the others."""
    config = session.config
    fit = _telling_fit(session, state, ALL_LABELS, row)
    if fit is None or row in state.history.curated or math.isnan(float(fit.proba[row])):
        return ()
    (proba,) = class_probabilities(session.project.dataset(), fit, np.array([row]))
    order = np.argsort(-proba, kind="stable")[:MOST_LIKELY]
    return tuple((config.label_name(fit.classes[code]), float(proba[code])) for code in order)


def _telling_fit(session: LabellingSession, state: State, label: str, row: int) -> Fit | None:
    """The model of a classifier, where it is started and may be heard of an object."""
    if label not in session.config.train_labels or not session.is_started(label):
        return None
    of_label = state if label == state.classifier else session.state(label)
    heard_of, is_hidden = of_label.history.unheard, row in state.history.kept_back
    if row in of_label.history.kept_back or (is_hidden and row in heard_of):
        return None  # a model knows what it was trained on, and would tell
    return of_label.fit


def pictures(session: LabellingSession, found: Mapping[str, Any]) -> tuple[Picture, ...]:
    """The pictures that the catalogue's own columns hold or name."""
    columns = session.config.columns
    pictures = [_picture(session, name, found.get(name)) for name in columns.images]
    if columns.pixels and columns.image_width_px:
        values = np.array([found.get(name) or 0.0 for name in columns.pixels], dtype=float)
        values = np.resize(
            values, (-(-len(values) // columns.image_width_px), columns.image_width_px)
        )
        span = float(values.max() - values.min()) or 1.0
        grey = np.rint(255 * (values - values.min()) / span).astype(np.uint8)
        pictures.insert(0, Picture("image", pixels=grey))
    return tuple(pictures)


def _picture(session: LabellingSession, name: str, value: Any) -> Picture:
    """A picture by address (http, https) or by a path inside an image folder, nothing else."""
    text = "" if value is None else str(value).strip()
    if not text:
        return Picture(name, sentence="No picture in the catalogue.")
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:60])
    if text.lower().startswith(("http://", "https://")):
        if is_web_address(text):
            return Picture(name, address=text)
        return Picture(name, sentence=f"'{shown}' is not a whole address.")
    folders = [session.project.folder / "images"]
    if os.environ.get("SEXTANT_IMAGES") and not is_public():
        folders.append(Path(os.environ["SEXTANT_IMAGES"]).expanduser())
    for folder in folders:
        path = file_inside(folder, text, PICTURE_SUFFIXES)
        if path is not None:
            return Picture(name, path=path)
    return Picture(name, sentence=f"'{shown}' is not in the project's image folder.")


def file_inside(folder: Path, text: str, suffixes: tuple[str, ...]) -> Path | None:
    """The file of that path below ``folder`` with one of some suffixes, or None."""
    try:
        path = (folder / text).resolve()
        inside = path.is_relative_to(folder.resolve())
        found = inside and path.name.lower().endswith(suffixes) and path.is_file()
    except (OSError, RuntimeError, ValueError):
        # A name that is too long, links in a circle, a NUL: no file can be called so.
        return None
    return path if found else None
