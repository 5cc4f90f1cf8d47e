"""The methods as a paper has them: sentences chosen by what was done, with its numbers.

One paragraph on the data, one on what was trained and asked, one on how good it is.  Each function
gives some sentences, or nothing where there is nothing of the kind to say.
"""

from collections.abc import Iterator
from importlib.metadata import version as version_of

from al_engine import __version__
from al_engine.exchange.report.blocks import Paragraph, Part, Section, Text, joined
from al_engine.settings.config import ALL_LABELS, ClassifierSetup
from al_engine.sharing.report.data import source_of
from al_engine.sharing.report.scores import n_checked
from al_engine.sharing.report.subject import (
    AUDIT,
    CHOSEN,
    CLICK,
    GIVEN,
    INITIAL,
    QUERY,
    SELECTION,
    TEST,
    Subject,
    Told,
)
from al_engine.sharing.report.trust import METHODS_SAID
from al_engine.sharing.report.wording import (
    begun_small,
    counted,
    in_brackets,
    listed,
    model_words,
    strategy_words,
)

MOST_NAMED = 12  # columns or labels; more are counted
GRAPHS = {"label_spreading", "label_propagation", "self_training"}  # they learn from the pool
_COMBINED = {
    "subtract": "differences", "add": "sums", "multiply": "products", "divide": "ratios",
}  # fmt: skip
_NUMBERS = ("no", "one", "two", "three", "four", "five")
_USED = (
    ("scikit-learn", "scikit-learn", "pedregosa2011"),
    ("modAL", "modAL-python", "danka2018"),
    ("NumPy", "numpy", "harris2020"),
    ("DuckDB", "duckdb", "raasveldt2019"),
)
_ASTROPY = {"fits", "votable", "ecsv", "cds", "ipac"}


def methods(subject: Subject) -> Section:
    """The paragraphs; one that has nothing to say is left out."""
    parts = (_data(subject), _training(subject), _quality(subject))
    made = [joined(said) for part in parts if (said := list(part))]
    return Section("Methods", tuple(Paragraph(text) for text in made))


def _data(subject: Subject) -> Iterator[Text]:
    yield _catalogue(subject)
    yield from _joined(subject)
    yield from _features(subject)
    yield from _prepared(subject)
    yield from _sets(subject)


def _training(subject: Subject) -> Iterator[Text]:
    groups: dict[tuple[object, ...], list[Told]] = {}
    for told in subject.trained:
        assert told.state is not None, "it is trained"
        is_over_all = told.classifier == ALL_LABELS
        groups.setdefault((is_over_all, repr(told.state.setup.members)), []).append(told)
    for group in groups.values():
        assert group[0].state is not None, "it is trained"
        yield _models(subject, group, group[0].state.setup)
        if _learns_from_pool(group[0]):
            yield "Objects of the training set without a label took part in the fit, too."
        for told in group:
            yield from _labels(subject, told)
    yield from _random(subject)
    yield from _people(subject)


def _quality(subject: Subject) -> Iterator[Text]:
    said = [text for told in subject.trained for text in _scores(subject, told)]
    yield from said
    if said:
        has_macro = any(told.classifier == ALL_LABELS for told in subject.trained)
        cites = ("wilson1927", "zou2008") if has_macro else ("wilson1927",)
        yield ("Brackets hold 95% intervals", *in_brackets(cites), ".")
    for told in subject.trained:
        yield from _line(told)
    yield _software(subject)


def _catalogue(subject: Subject) -> Text:
    n, known = subject.dataset.n_rows, sum(subject.dataset.n_by_value)
    said = f"The catalogue '{source_of(subject)}' holds {counted(n, 'object')}"
    if not known:
        return f"{said}, none with a known label."
    named = [
        f"{each.name}: {number:,}"
        for each, number in zip(subject.config.labels, subject.dataset.n_by_value, strict=True)
        if number
    ]
    whose = f" ({', '.join(named)})" if len(named) <= MOST_NAMED else f" of {len(named):,} labels"
    part = "all" if known == n else f"{known:,}"
    return f"{said}, {part} of them with a known label{whose}."


def _joined(subject: Subject) -> Iterator[Text]:
    tables = subject.project.catalogue.joined
    if tables:
        said = [f"{each.name} ({each.how}, {each.n_matched:,} matched)" for each in tables]
        yield f"It was joined with {listed(said)}."


def _features(subject: Subject) -> Iterator[Text]:
    made = subject.dataset.features
    if made:
        base = [feature.name for feature in made if not feature.operation]
        said = [counted(len(base), "column") + " of the catalogue"]
        if len(base) <= MOST_NAMED:
            said[0] += f" ({', '.join(base)})"
        for each in subject.config.features.combinations:
            n = sum(f.operation == each.operation and len(f.columns) == each.n for f in made)
            what = _COMBINED.get(each.operation, f"combinations by {each.operation}")
            of = _NUMBERS[each.n] if each.n < len(_NUMBERS) else str(each.n)
            said.append(f"the {n:,} {what} of every {of} of them")
        yield f"Each object was described by {counted(len(made), 'feature')}: {listed(said)}."
    if subject.n_terms:
        also = " also" if made else ""
        names = listed(list(subject.config.features.texts))
        yield (
            f"Each object was{also} described by its text ({names}): {subject.n_terms:,} words and "
            "pairs of words, weighed by TF-IDF",
            *in_brackets(("salton1988",)),
            " as learned from the texts of the training set.",
        )


def _prepared(subject: Subject) -> Iterator[Text]:
    if not subject.dataset.features:
        return
    said = "Missing values were replaced by the median of the training set"
    if subject.config.features.scale:
        said += (
            ", and each feature was centred on its median and divided by its interquartile range"
        )
    yield f"{said}."


def _sets(subject: Subject) -> Iterator[Text]:
    every = [numbers for _, numbers in subject.sizes.by_label]
    train, validation, test, out = map(sum, zip((0, 0, 0, 0), *every, strict=True))
    splits = subject.config.splits
    how = "stratified by label" if splits.draw == "stratified" else "with equally many of each"
    left = f"; {out:,} were left out" if out else ""
    if train + validation + test:
        yield (
            f"Objects with a known label were shared out at random, {how}, into {train:,} for "
            f"training, {validation:,} for validation and {test:,} for testing{left} (seed "
            f"{splits.seed})."
        )
    if splits.curated:
        curated = subject.project.curated()
        n, met = len(curated.labels), len(frozenset(curated.labels) & curated.audit)
        yield (
            f"The test set was curated by hand: {counted(n, 'object')}, {met:,} of them drawn at "
            "random from the whole catalogue."
        )


def _models(subject: Subject, group: list[Told], setup: ClassifierSetup) -> Text:
    is_over_all = group[0].classifier == ALL_LABELS
    names = [told.name for told in group]
    each = " each" if len(names) > 1 else ""
    against = f"To tell {listed(names)}{each} from all other labels, "
    if is_over_all:
        against = "To tell all labels apart, "
    of_texts = bool(subject.n_terms)
    models = [model_words(member, of_texts=of_texts) for member in setup.members]
    if len(models) == 1:
        return (against, *models[0], f" was trained{each}.")
    what = f"a committee of {len(models)} was trained{each}: "
    return (against, what, *joined(models, "; "), ".")


def _learns_from_pool(told: Told) -> bool:
    assert told.state is not None, "it is trained"
    return any(member.model in GRAPHS for member in told.state.setup.members)


def _labels(subject: Subject, told: Told) -> Iterator[Text]:
    """From what a classifier learned; of answers that are not in sight their number alone."""
    said: list[Text] = []
    if n := told.came.get(GIVEN):
        setup = subject.config.setups.get(told.classifier, ClassifierSetup())
        alike = ", as many of each label," if setup.initial_draw == "balanced" else ""
        said.append(f"{n:,} of the catalogue's for objects drawn at random{alike} to begin with")
    if n := told.came.get(INITIAL):
        said.append((f"{n:,} for objects to begin with, chosen ", *_start(subject)))
    for name, n in sorted(told.strategies.items(), key=lambda each: (-each[1], each[0])):
        said.append((f"{n:,} for objects chosen ", *strategy_words(name)))
    if n := told.came.get(CLICK):
        said.append(f"{n:,} for objects that people chose")
    if n := told.came.get(SELECTION):
        said.append(f"{n:,} given to selections at once")
    known = (GIVEN, INITIAL, QUERY, CLICK, SELECTION)
    rest = told.n_trained - sum(told.came.get(how, 0) for how in known)
    if rest > 0:
        others = " of other people" if subject.config.people.is_blind else " that came otherwise"
        said.append(f"{rest:,}{others}")
    yield (
        f"{_classifier(told)} was trained on {counted(told.n_trained, 'label')}: ",
        *joined(said, "; "),
        ".",
    )
    yield _rounds(told)
    if n := len(told.counted.unsure):
        whose = f" by {subject.who}" if subject.config.people.several else ""
        what = "One object was" if n == 1 else f"{n:,} objects were"
        yield f"{what} passed as unsure{whose} and did not train."


def _rounds(told: Told) -> Text:
    """How often the model was made, and after how many answers."""
    n = 0 if told.state is None else len(told.state.rounds)
    after = "each answer"
    if told.batches and max(told.batches) > 1:
        sizes = sorted(told.batches)
        after = f"each batch of {sizes[0]:,}"
        if len(sizes) > 1:
            after = f"each batch of up to {sizes[-1]:,} answers"
    return (
        f"After {after} the model was trained afresh on all labels so far, in "
        f"{counted(n, 'round')}."
    )


def _people(subject: Subject) -> Iterator[Text]:
    """Who answered, as far as that is known: where one person works, names say nothing."""
    days = [day for told in subject.trained for day in told.answered or ()]
    if not days:
        return
    first, last = min(days).isoformat(), max(days).isoformat()
    when = f"on {first}" if first == last else f"from {first} to {last}"
    names = {each.name for told in subject.trained for each in told.people if each.n_labels}
    if subject.config.people.several and names:
        who = "one person" if len(names) == 1 else f"{len(names):,} people"
        rule = "most of them gave" if subject.config.people.counting == "majority" else "came last"
        yield (
            f"Answers were given by {who} {when} (UTC); where they differed, the label that {rule} "
            "counted."
        )
    else:
        yield f"Answers were given {when} (UTC)."


def _classifier(told: Told) -> str:
    """A classifier at the beginning of a sentence."""
    if told.classifier == ALL_LABELS:
        return "The classifier over all labels"
    return f"The classifier for {told.name}"


def _start(subject: Subject) -> tuple[Part, ...]:
    """How the first objects were chosen where people were asked about them."""
    is_known = any(numbers[0] for _, numbers in subject.sizes.by_label)
    if subject.config.asking.start == "random" or is_known:
        return ("at random",)
    return ("amid clusters of the features", *in_brackets(("kang2004",)))


def _random(subject: Subject) -> Iterator[Text]:
    n = sum(len(told.counted.validated) for told in subject.trained)
    if not n:
        return
    yield f"{counted(n, 'more label')} of objects drawn at random served validation alone."


def _scores(subject: Subject, told: Told) -> Iterator[Text]:
    scores = told.state.scores if told.state is not None else None
    if told.state is None or scores is None:
        return
    whose = ""
    if not subject.config.people.is_blind:
        n = n_checked(subject, told.state)
        whose = f", {n:,} of them labelled by people" if n else " with the catalogue's labels"
    validation = f"On the validation set ({{n}}{whose}, none of which trained)"
    if scores.by_folds:
        validation = "In cross-validation over the labelled objects ({n}, chosen as said)"
    parts = [
        (validation, scores.validation),
        ("On the test set ({n})", told.tested.get(TEST)),
        ("On the audit sample of the whole catalogue ({n})", told.tested.get(AUDIT)),
        ("On the chosen objects of the test set ({n})", told.tested.get(CHOSEN)),
    ]
    names = ("an F1", "a precision", "a recall")
    if told.classifier == ALL_LABELS:
        names = ("a macro-averaged F1", "a macro-averaged precision", "a macro-averaged recall")
    for where, found in parts:
        if found is None or found.f1.value is None:
            continue
        shares = [
            f"{name} of {share.value:.3f} ({share.low:.3f} to {share.high:.3f})"
            for name, share in zip(names, (found.f1, found.precision, found.recall), strict=True)
            if share.value is not None and share.low is not None and share.high is not None
        ]
        over = where.format(n=counted(found.n, "object"))
        yield f"{over} {begun_small(_classifier(told))} reached {listed(shares)}."
    if scores.by_folds and scores.validation is not None:
        yield "As most of those objects were chosen by the model, they are no fair sample."


def _line(told: Told) -> Iterator[Text]:
    """The calibration and the threshold that are written with the model, where there are any."""
    found = told.calibrated
    if told.state is None or told.classifier == ALL_LABELS or found is None or found.at is None:
        return
    setup = told.state.setup
    calibrated = found.mended is not None and setup.calibration in METHODS_SAID
    if not calibrated and setup.threshold == 0.5:
        return
    said: tuple[Part, ...] = ()
    if calibrated:
        said = (" calibrated by ", *METHODS_SAID[setup.calibration].text, " on validation, and")
    yield (
        f"The probabilities of {begun_small(_classifier(told))} were",
        *said,
        f" cut at {setup.threshold:.2f} for exported predictions.",
    )


def _software(subject: Subject) -> Text:
    astropy = "astropy2013", "astropy2018", "astropy2022"
    reads = subject.project.catalogue.reader in _ASTROPY
    used = [
        (f"{title} {version_of(package)}", *in_brackets((cite,))) for title, package, cite in _USED
    ]
    return (
        f"The work was done with Sextant {__version__}, which uses ",
        *joined(used[:-1], ", "),
        " and ",
        *used[-1],
        *(
            (
                f"; the catalogue was read by Astropy {version_of('astropy')}",
                *in_brackets(astropy),
            )
            if reads
            else ()
        ),
        ".",
    )
