"""The methods in a paragraph: sentences chosen by what was done, with its numbers.

Each function gives one sentence, or nothing where there is nothing of the kind to say.
"""

from collections.abc import Iterator

from al_engine.exchange.report.blocks import Paragraph, Part, Section, Text, joined
from al_engine.settings.config import ALL_LABELS, ClassifierSetup
from al_engine.sharing.report.data import source_of
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
from al_engine.sharing.report.wording import (
    begun_small,
    counted,
    in_brackets,
    listed,
    model_words,
    strategy_words,
)

MOST_NAMED = 12  # columns or labels; more are counted
_COMBINED = {
    "subtract": "differences", "add": "sums", "multiply": "products", "divide": "ratios",
}  # fmt: skip
_NUMBERS = ("no", "one", "two", "three", "four", "five")
_ASTROPY = {"fits", "votable", "ecsv", "cds", "ipac"}


def methods(subject: Subject) -> Section:
    """The paragraph."""
    return Section("Methods", (Paragraph(joined(_sentences(subject))),))


def _sentences(subject: Subject) -> Iterator[Text]:
    yield _catalogue(subject)
    yield from _joined(subject)
    yield _features(subject)
    yield _prepared(subject)
    yield from _sets(subject)
    groups: dict[tuple[object, ...], list[Told]] = {}
    for told in subject.trained:
        assert told.state is not None, "it is trained"
        is_over_all = told.classifier == ALL_LABELS
        groups.setdefault((is_over_all, repr(told.state.setup.members)), []).append(told)
    for group in groups.values():
        assert group[0].state is not None, "it is trained"
        yield _models(group, group[0].state.setup)
    if subject.trained:
        yield "In each round the model was trained afresh on all labels so far."
    for told in subject.trained:
        yield from _labels(subject, told)
    yield from _random(subject)
    said = [text for told in subject.trained for text in _scores(told)]
    yield from said
    if said:
        yield ("Brackets hold 95% intervals", *in_brackets(("wilson1927",)), ".")
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
    return f"{said}, {known:,} of them with a known label{whose}."


def _joined(subject: Subject) -> Iterator[Text]:
    tables = subject.project.catalogue.joined
    if tables:
        said = [f"{each.name} ({each.how}, {each.n_matched:,} matched)" for each in tables]
        yield f"It was joined with {listed(said)}."


def _features(subject: Subject) -> Text:
    made = subject.dataset.features
    base = [feature.name for feature in made if not feature.operation]
    said = [counted(len(base), "column") + " of the catalogue"]
    if len(base) <= MOST_NAMED:
        said[0] += f" ({', '.join(base)})"
    for each in subject.config.features.combinations:
        n = sum(f.operation == each.operation and len(f.columns) == each.n for f in made)
        what = _COMBINED.get(each.operation, f"combinations by {each.operation}")
        of = _NUMBERS[each.n] if each.n < len(_NUMBERS) else str(each.n)
        said.append(f"the {n:,} {what} of every {of} of them")
    return f"Each object was described by {counted(len(made), 'feature')}: {listed(said)}."


def _prepared(subject: Subject) -> Text:
    said = "Missing values were replaced by the median of the training set"
    if subject.config.features.scale:
        said += ", and each feature was centred on its median and divided by its quartile range"
    return f"{said}."


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


def _models(group: list[Told], setup: ClassifierSetup) -> Text:
    is_over_all = group[0].classifier == ALL_LABELS
    names = [told.name for told in group]
    each = " each" if len(names) > 1 else ""
    against = f"To tell {listed(names)}{each} from all other labels, "
    if is_over_all:
        against = "To tell all labels apart, "
    models = [model_words(member) for member in setup.members]
    if len(models) == 1:
        return (against, *models[0], f" was trained{each}.")
    what = f"a committee of {len(models)} was trained{each}: "
    return (against, what, *joined(models, "; "), ".")


def _labels(subject: Subject, told: Told) -> Iterator[Text]:
    """From what a classifier learned; of answers that are not in sight their number alone."""
    said: list[Text] = []
    n_rounds = 0 if told.state is None else len(told.state.rounds)
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
        f"{_classifier(told)} was trained on {counted(told.n_trained, 'label')}, in "
        f"{counted(n_rounds, 'round')}: ",
        *joined(said, "; "),
        ".",
    )
    if n := len(told.counted.unsure):
        whose = f" by {subject.who}" if subject.config.people.several else ""
        what = "One object was" if n == 1 else f"{n:,} objects were"
        yield f"{what} passed as unsure{whose}, and left without a label."


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


def _scores(told: Told) -> Iterator[Text]:
    scores = told.state.scores if told.state is not None else None
    if scores is None:
        return
    parts = [
        ("In cross-validation" if scores.by_folds else "On the validation set", scores.validation),
        ("On the test set", told.tested.get(TEST)),
        ("On the audit sample", told.tested.get(AUDIT)),
        ("On the chosen objects of the test set", told.tested.get(CHOSEN)),
    ]
    an_f1 = "a macro-averaged F1" if told.classifier == ALL_LABELS else "an F1"
    for where, found in parts:
        if found is None or found.f1.value is None:
            continue
        precision, recall, f1 = found.precision, found.recall, found.f1
        shares = [
            f"{name} of {share.value:.3f} ({share.low:.3f} to {share.high:.3f})"
            for name, share in ((an_f1, f1), ("a precision", precision), ("a recall", recall))
            if share.value is not None and share.low is not None and share.high is not None
        ]
        yield (
            f"{where} ({counted(found.n, 'object')}) {begun_small(_classifier(told))} reached "
            f"{listed(shares)}."
        )


def _software(subject: Subject) -> Text:
    astropy = "astropy2013", "astropy2018", "astropy2022"
    reads = subject.project.catalogue.reader in _ASTROPY
    return (
        "The work was done with Sextant, which uses scikit-learn",
        *in_brackets(("pedregosa2011",)),
        ", modAL",
        *in_brackets(("danka2018",)),
        ", NumPy",
        *in_brackets(("harris2020",)),
        " and DuckDB",
        *in_brackets(("raasveldt2019",)),
        *(("; the catalogue was read by Astropy", *in_brackets(astropy)) if reads else ()),
        ".",
    )
