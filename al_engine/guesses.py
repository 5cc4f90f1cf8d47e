"""Good guesses at a new catalogue's settings, from names and values of its columns.

Owns the guesses only: every one is shown to the person and can be changed.
"""

import re
from collections.abc import Mapping, Sequence

from al_engine.data.catalogue import Catalogue
from al_engine.data.columns import CatalogueColumn, CatalogueColumns
from al_engine.data.features import plottable
from al_engine.data.profile import is_unique, label_counts, n_distinct, n_words, suspects
from al_engine.errors import UnsuitableColumnError
from al_engine.learning.models import MODELS
from al_engine.settings.config import (
    ClassifierSetup,
    Columns,
    Combination,
    Features,
    Label,
    MemberSetup,
    ProjectConfig,
)
from al_engine.views.palette import label_colours

UNKNOWN_TEXTS = ("-1", "unknown", "unk", "none", "null", "nan", "n/a", "na", "?", "")
MAX_LABELS = 20
MAX_NAMED_LABELS = 100  # where the column is called like a label, or was chosen
MAX_FEATURES = 60
FEWEST_WORDS = 8  # a name, a type or an address has fewer

_COUNTED = 10_000

_ID = re.compile(
    r"^(.*id|id_.*|ident|.*identifier|index|idx|key|unnamed.*|recno|name|designation|source|object"
    r"|(source|object|obj|star|target|main|iau|catalog|catalogue)_?name|hip|tic|kic|epic)$",
    re.I,
)
_RA = re.compile(r"^(_?ra(j2000|_?deg|_?icrs|2000|_j2000)?|alpha(_?j2000|win_j2000)?)$", re.I)
_DEC = re.compile(
    r"^(_?de(c|j2000|_?icrs)?(j2000|_?deg|2000|_j2000|_icrs)?|decl|declination|delta(_?j2000|win_j2000)?)$",
    re.I,
)
_LABEL = re.compile(
    r"^(class|label|labels|type|target|category|sentiment|star_?type|spec_?type|spectype|source_?class"
    r"|truth|.*_class|.*_label|class_.*|digit|species|outcome|diagnosis|y)$",
    re.I,
)
_BAND = re.compile(
    r"^((psf|model|cmodel|petro|ap|kron)?_?(mag)?_?)?(fuv|nuv|[ugrizyjhk]|w[1-4]|g_?bp|g_?rp|bp|rp)_?(mag|ab)?$",
    re.I,
)
_NOT_A_FEATURE = re.compile(
    r"^(.*id|.*_id|run|rerun|run_id|rerun_id|cam_?col|camcol|field|field_id|plate|mjd|fiber.*"
    r"|index|row|.*_row|nobs|err.*|.*_err|e_.*|.*error|flag.*|.*_flag|ra.*err|htm.*|_?healpix.*|epoch)$",
    re.I,
)
# Integers that code something, where a real of the same name would measure it.
_CODE = re.compile(
    r"^(n|n_.*|num_.*|.*qual.*"
    r"|.*flags?|.*mask.*|(.*_)?bits?|.*index|.*idx|(.*[_ ])?(exp)?(no|nr|number)\.?"
    r"|seq.*|.*version|brick.*|tile.*|tract|patch|sector|quarter|visit.*|obs.*|exp.*num.*|expos.*"
    r"|(ccd|chip|detector|camera|filter|zone).*|h?pix.*|.*obj|.*time|year|month|day|night|date.*)$",
    re.I,
)
# What readers and other programs call a column that has no name.
_NAMELESS = re.compile(r"^(column|col|field|feature|attribute|f|v|x)?[_ ]?\d+$", re.I)
_IMAGE = re.compile(r"^(.*image.*|.*picture.*|.*thumbnail.*|.*cutout.*|img.*|.*_url|url)$", re.I)


def guess_config(
    catalogue: Catalogue, *, id_column: str | None = None, label_column: str | None = None
) -> ProjectConfig:
    """Settings to start from, around the columns given; what cannot be guessed is left empty.

    Raises
    ------
    UnsuitableColumnError : the label column given has too many different values
    """
    label = label_column or guess_label(catalogue)
    labels, unknown = label_choices(catalogue, label)
    ra, dec = guess_position(catalogue)
    id_column = id_column or guess_id(catalogue)
    taken = {label, ra, dec, id_column}
    numeric = [c for c in catalogue.columns if c.is_numeric and c.name not in taken]
    missing = suspects(catalogue, [column.name for column in numeric])
    distinct = n_distinct(catalogue, [column.name for column in numeric], missing)
    # The counts are approximate: columns in which nearly all values differ spread alike.
    most = max(2, catalogue.n_rows * 4 // 5)
    distinct = {name: min(n, most) for name, n in distinct.items()}
    base, has_bands = guess_features(numeric, distinct)
    texts = tuple(name for name in guess_texts(catalogue) if name not in taken)
    if texts and len(base) < 2:
        base = ()
    features = Features(
        base=base,
        texts=texts if not base else (),
        combinations=(Combination("subtract", 2),) if has_bands else (),
    )
    x_axis, y_axis = guess_axes(features, has_bands, distinct)
    info = tuple(
        c.name
        for c in catalogue.columns
        if c.name not in {*base, *taken, *texts}
        and (c.kind == "text" or not is_id(c))
        and distinct.get(c.name, 2) > 1  # a constant tells no object from another
    )[:12]
    images = tuple(c.name for c in catalogue.columns if c.kind == "text" and _IMAGE.match(c.name))
    return ProjectConfig(
        labels=labels,
        columns=Columns(
            id=id_column,
            label=label,
            unknown=unknown,
            ra=ra,
            dec=dec,
            info=tuple(name for name in info if name not in images),
            images=images,
            missing=missing,
            texts=texts,
        ),
        features=features,
        train_labels=guess_classifiers(catalogue, label, labels),
        x_axis=x_axis,
        y_axis=y_axis,
    )


def guess_texts(catalogue: Catalogue) -> tuple[str, ...]:
    """The columns of text that one would read: of many words each."""
    names = [c.name for c in catalogue.columns if c.kind == "text" and not _IMAGE.match(c.name)]
    words = n_words(catalogue, names)
    return tuple(name for name in names if words[name] >= FEWEST_WORDS)


def guess_setup(features: Features) -> ClassifierSetup:
    """How a classifier had best begin to learn from such features."""
    if not features.texts:
        return ClassifierSetup()
    model = MODELS["logistic_regression"]
    # Of few texts the class with most labels is all that an unweighed model predicts.
    member = MemberSetup(model.name, params={**model.for_texts, "class_weight": "balanced"})
    return ClassifierSetup((member,), n_initial=20, initial_draw="balanced")


def guess_id(catalogue: Catalogue) -> str | None:
    """The first column called like an id that tells all objects apart, else None."""
    candidates = [c.name for c in catalogue.columns if is_id(c) and c.kind != "boolean"]
    distinct = n_distinct(catalogue, candidates)
    for name in candidates:
        # The count is approximate: it only spares an exact one where it is far off.
        if distinct[name] > 0.5 * catalogue.n_rows and is_unique(catalogue, name):
            return name
    return None


def is_id(column: CatalogueColumn) -> bool:
    """Is a column called like one that tells objects apart?"""
    return column.kind in ("text", "integer") and bool(_ID.match(column.name))


def guess_label(catalogue: Catalogue) -> str | None:
    """The column called like a label, else a text of very few values, else an end that stands out.

    An end is the first or the last column, where files without any names keep the label.
    """
    candidates = [c for c in catalogue.columns if c.kind in ("text", "integer", "boolean", "real")]
    distinct = n_distinct(catalogue, [c.name for c in candidates])
    most = min(MAX_NAMED_LABELS, catalogue.n_rows // 2)
    named = [c.name for c in candidates if _LABEL.match(c.name) and 2 <= distinct[c.name] <= most]
    for name in named:
        # The count is approximate: near the limit an exact one decides.
        if len(_label_values(catalogue, name)) <= MAX_NAMED_LABELS:
            return name
    texts = [
        c.name
        for c in candidates
        if c.kind == "text" and 2 <= distinct[c.name] <= min(MAX_LABELS, most) and not is_id(c)
    ]
    if texts:
        return min(texts, key=lambda name: distinct[name])
    ends = {column.name: column for column in (catalogue.columns[0], catalogue.columns[-1])}
    found = [name for name, end in ends.items() if _stands_out(catalogue, end, distinct)]
    return found[0] if len(found) == 1 else None


def _stands_out(catalogue: Catalogue, end: CatalogueColumn, distinct: Mapping[str, int]) -> bool:
    """Whether an integer column numbers classes, as far as its values and the others' tell.

    Only where no column has a name: one that has, and does not speak of labels, is a quarter, a
    camera or a quality.
    """
    is_nameless = all(_NAMELESS.match(column.name) for column in catalogue.columns)
    if end.kind != "integer" or not is_nameless:
        return False
    n = distinct[end.name]
    if not 2 <= n <= min(MAX_LABELS, catalogue.n_rows // 10) or not _is_run(catalogue, end.name):
        return False
    others = [distinct[name] for name in distinct if name != end.name and distinct[name] > 1]
    return 2 * sum(other > 2 * n for other in others) > len(others)


def _is_run(catalogue: Catalogue, name: str) -> bool:
    """Whether the values of an integer column are numbered like classes: 0, 1, 2 or -1 and 1."""
    values = sorted(int(value) for value in _label_values(catalogue, name))
    if not 2 <= len(values) <= MAX_LABELS:
        return False
    first, last = values[0], values[-1]
    return values == [-1, 1] or (-1 <= first <= 1 and values == list(range(first, last + 1)))


def label_choices(
    catalogue: Catalogue, label: str | None
) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """The labels of a column in order of value, and which of its values mean unknown.

    Raises
    ------
    UnsuitableColumnError : the column has more than ``MAX_NAMED_LABELS`` different values
    """
    if label is None:
        return (), ("-1", "Unknown")
    values = _label_values(catalogue, label)
    if len(values) > MAX_NAMED_LABELS:
        n = f"more than {_COUNTED:,}" if len(values) > _COUNTED else f"{len(values):,}"
        raise UnsuitableColumnError(
            f"`{label}` has {n} different values, but labels may be {MAX_NAMED_LABELS} at most.",
            "Choose another column for the labels, or none.",
        )
    unknown = tuple(value for value in values if value.strip().lower() in UNKNOWN_TEXTS)
    known = sorted((value for value in values if value not in unknown), key=_natural)
    return make_labels(known), unknown or ("-1", "Unknown")


def _label_values(catalogue: Catalogue, label: str) -> list[str]:
    """The different values of a column, counted just beyond ``_COUNTED`` and no further."""
    # Two more: one for NULL, which is none, and one that tells "more" from "just as many".
    counts = label_counts(catalogue, label, _COUNTED + 2)
    return [value for value, _ in counts if value is not None]


def make_labels(values: Sequence[str]) -> tuple[Label, ...]:
    """Labels of these values, named as they are, in colours that can be told apart."""
    plain = [value.strip() for value in values]
    # Where spaces are all that tells two values apart, quotes show them.
    names = [
        name if name and plain.count(name) == 1 else f"'{value}'"
        for name, value in zip(plain, values, strict=True)
    ]
    return tuple(map(Label, values, names, label_colours(len(values))))


def _natural(value: str) -> tuple[float, str]:
    try:
        return float(value), ""
    except ValueError:
        return float("inf"), value.lower()


def guess_position(catalogue: CatalogueColumns) -> tuple[str | None, str | None]:
    """The columns of right ascension and declination, both or neither."""
    numeric = catalogue.names(numeric=True)
    ra = next((name for name in numeric if _RA.match(name)), None)
    dec = next((name for name in numeric if _DEC.match(name)), None)
    return (ra, dec) if ra and dec else (None, None)


def guess_features(
    numeric: Sequence[CatalogueColumn], distinct: Mapping[str, int]
) -> tuple[tuple[str, ...], bool]:
    """Magnitudes where at least three are recognised (then True), else the measured columns.

    Parameters
    ----------
    distinct : how many values each column has; one of a single value is no feature
    """
    varying = [c for c in numeric if distinct[c.name] > 1]
    bands = tuple(c.name for c in varying if c.kind == "real" and _BAND.match(c.name))
    if 3 <= len(bands) <= 20:
        return bands, True
    plain = [c for c in varying if not (_NOT_A_FEATURE.match(c.name) or is_id(c))]
    measured = [c.name for c in plain if c.kind == "real" or _is_measured(c, distinct)]
    chosen = measured if len(measured) >= 2 else [c.name for c in plain]
    return tuple(_widest(chosen, distinct, MAX_FEATURES)), False


def _is_measured(column: CatalogueColumn, distinct: Mapping[str, int]) -> bool:
    """Whether an integer column has more values than a class, a grade or a flag would."""
    is_code = _CODE.match(column.name)
    return column.kind == "integer" and not is_code and distinct[column.name] > MAX_LABELS


def _widest(names: Sequence[str], distinct: Mapping[str, int], n: int) -> list[str]:
    """The ``n`` names whose columns have most values, in the order given; earlier ones on a tie."""
    chosen = sorted(names, key=lambda name: -distinct.get(name, 0))[:n]
    return [name for name in names if name in chosen]


def guess_axes(
    features: Features, has_bands: bool, distinct: Mapping[str, int] | None = None
) -> tuple[str, str]:
    """Two neighbouring colours where there are magnitudes, else the two features of most values.

    Parameters
    ----------
    distinct : how many values each column has; without it the first two features are taken
    """
    names = plottable(features)
    if has_bands and len(features.base) >= 3:
        first, second, third = features.base[:3]
        return f"{first}-{second}", f"{second}-{third}"
    if len(names) >= 2:
        first, second = _widest(names, distinct or {}, 2)
        return first, second
    return (names[0], names[0]) if names else ("", "")


def guess_classifiers(
    catalogue: Catalogue, label: str | None, labels: Sequence[Label]
) -> tuple[str, ...]:
    """The rarest label that at least one object in a hundred has: what people mostly look for.

    Of equally rare ones the last: "positive" after "negative", 1 after 0.
    """
    if label is None or not labels:
        return tuple(choice.value for choice in labels[:1])
    places = {choice.value: -place for place, choice in enumerate(labels)}
    counts = [(n, places[v], v) for v, n in label_counts(catalogue, label, 1000) if v in places]
    common = [found for found in counts if found[0] >= 0.01 * catalogue.n_rows]
    return (min(common or counts)[-1],) if counts else ()
