"""What a report says of how good a classifier is: its scores now, and over the rounds."""

from collections.abc import Sequence

from al_engine.data.splits import VALIDATION
from al_engine.exchange.report.blocks import (
    Block,
    Items,
    Paragraph,
    Plot,
    PlotRow,
    Table,
    Text,
    number,
)
from al_engine.learning.metrics import Scores
from al_engine.loop.state import ScoredRound, State
from al_engine.loop.truth import part_in_force
from al_engine.settings.target import METRICS
from al_engine.sharing.report.subject import AUDIT, CHOSEN, QUERY, TEST, Subject, Told
from al_engine.sharing.report.wording import counted

POINTS, POINTS_OF_ALL = 240, 4000  # of a plot, and of all plots of a report
MOST_IN_A_MATRIX = 20  # labels
_HEAD = ("Accuracy", "Precision (purity)", "Recall (completeness)", "F1")


def scores_of(subject: Subject, told: Told, state: State) -> list[Block]:
    """All scores of the present round, what each is over, and the confusion matrices."""
    assert state.scores is not None, "asked for where there are some"
    training, validation = state.scores.training, state.scores.validation
    by_folds = state.scores.by_folds
    is_biased = state.trained_share > 0.5
    is_chosen = 2 * told.came.get(QUERY, 0) > sum(told.came.values())
    sets: list[tuple[str, Scores | None, str]] = [
        ("Cross-validated" if by_folds else "Validation", validation, _over(subject, state)),
        *((part, scores, _TESTED[part]) for part, scores in told.tested.items()),
        (
            "Training, biased" if is_biased else "Training",
            training,
            "objects of the training set with a known label; the model learned from "
            f"{state.trained_share:.1%} of them, which flatters it"
            + (", and most of those labels were asked for by the strategy" * is_chosen),
        ),
    ]
    found = [(title, scores, over) for title, scores, over in sets if scores is not None]
    rows = [
        (title, f"{scores.n:,}", *(number(getattr(scores, name)) for name in METRICS))
        for title, scores, _ in found
    ]
    blocks: list[Block] = []
    if rows:
        head = ("Scores over", "Objects", *_HEAD)
        title = "Scores of the present round, with 95% intervals in brackets"
        blocks.append(Table(head, tuple(rows), title))
    notes: list[Text] = [f"{title}: {scores.n:,} {over}." for title, scores, over in found]
    if validation is None:
        notes.append(f"No validation: {state.scores.reason or 'no object of it has a known label'}")
    if not subject.with_test:
        notes.append("The test set was not looked at for this report.")
    elif not told.tested:
        notes.append("No object with a known label is in the test set.")
    blocks.append(Items(tuple(notes)))
    for title, scores, _ in found:
        blocks += _by_label(subject, title, scores) if scores.classes else []
        blocks.append(_matrix(subject, title, scores, told.name))
    return blocks


_TESTED = {
    TEST: "objects of the test set with a known label, which neither train nor validate",
    AUDIT: "objects of the curated test set that an audit drew from the whole catalogue, so that "
    "these scores hold for all of it",
    CHOSEN: "objects of the curated test set that were drawn by criteria, chosen or read from a "
    "file, so that these scores hold for objects like them alone",
}


def _over(subject: Subject, state: State) -> str:
    """What the validation scores of a state are over, for a sentence after their number."""
    if state.scores is not None and state.scores.by_folds:
        return (
            "labelled objects, each predicted by a model that was trained without its fold (5 "
            "folds, stratified), for under 30 objects validate; most were chosen by the model, "
            "and so are no fair sample"
        )
    said = "objects drawn at random for validation, none of which trains"
    if subject.config.people.is_blind:
        return said
    n = n_checked(subject, state)
    people = f"; people gave the labels of {n:,}, the catalogue those of the others"
    return said + (people if n else "; their labels are the catalogue's")


def n_checked(subject: Subject, state: State) -> int:
    """How many of the labels that validate people gave, as far as they are in sight."""
    seen = state.counted
    given = [*seen.validated, *seen.corrected]
    return sum(part_in_force(subject.dataset, seen, row) == VALIDATION for row in given)


def _by_label(subject: Subject, title: str, scores: Scores) -> list[Block]:
    """The scores of each label against all others, where one classifier tells them apart."""
    rows = []
    for code, label in enumerate(scores.classes):
        own = scores.of_class(code)
        n = sum(scores.confusion[code])
        shares = (number(share) for share in (own.precision, own.recall, own.f1))
        rows.append((subject.name(label), f"{n:,}", *shares))
    return [Table(("Label", "Objects", *_HEAD[1:]), tuple(rows), f"{title}, label by label")]


def _matrix(subject: Subject, title: str, scores: Scores, name: str) -> Table:
    """The confusion matrix of one set; of many labels those that are mistaken most often."""
    sides = tuple(map(subject.name, scores.classes)) or ("any other", name)
    if len(sides) > MOST_IN_A_MATRIX:
        wrong = [
            (n, i, j)
            for i, row in enumerate(scores.confusion)
            for j, n in enumerate(row)
            if n and i != j
        ]
        most = sorted(wrong, key=lambda cell: (-cell[0], *cell[1:]))[:MOST_IN_A_MATRIX]
        mistaken = tuple((sides[i], sides[j], f"{n:,}") for n, i, j in most)
        said = f"Mistaken most often, {title.lower()}"
        return Table(("Is", "Predicted", "Objects"), mistaken, said, n_texts=2)
    head = ("Is", *(f"predicted {side}" for side in sides))
    rows = [
        (side, *(f"{n:,}" for n in row)) for side, row in zip(sides, scores.confusion, strict=True)
    ]
    return Table(head, tuple(rows), f"Confusion matrix, {title.lower()}")


def curve(rounds: Sequence[ScoredRound], n_classifiers: int) -> list[Block]:
    """The learning curve; of many rounds some, with the first, the last and those after breaks."""
    most = min(POINTS, max(20, POINTS_OF_ALL // n_classifiers))
    scored = [each for each in rounds if each.scores is not None]
    breaks = [i for i in range(1, len(scored)) if _is_break(scored[i - 1], scored[i])]
    kept = {0, len(scored) - 1, *breaks, *(i - 1 for i in breaks)}
    step = max(1.0, len(scored) / most)
    kept |= {int(i * step) for i in range(int(len(scored) / step))}
    rows = []
    for i in sorted(kept):
        if not 0 <= i < len(scored):
            continue
        scores = scored[i].scores
        assert scores is not None, "others were left out"
        checked, training = scores.validation, scores.training
        values = (
            checked.f1 if checked else None,
            checked.accuracy if checked else None,
            training.f1 if training else None,
        )
        rows.append(PlotRow(scored[i].labelled.n_labelled, values, i in breaks))
    if len(rows) < 2:
        return []
    n_folded = sum(each.scores.by_folds for each in scored if each.scores is not None)
    over = "validation" if n_folded < len(scored) else "cross-validation"
    notes = []
    if len(scored) < len(rounds):
        n = counted(len(rounds) - len(scored), "earlier round")
        notes.append(f"{n} had no scores under the settings in force.")
    if 0 < n_folded < len(scored):
        notes.append(f"{counted(n_folded, 'round')} of {len(scored):,} were cross-validated.")
    if breaks:
        notes.append("Curves are broken where scores are over other objects than before.")
    curves = (f"F1, {over}", f"Accuracy, {over}", "F1, training")
    return [Plot("Scores by round", "labels trained on", curves, tuple(rows), " ".join(notes))]


def best(state: State) -> list[Block]:
    """Which round was the best by validation, where rounds can be compared."""
    found, setup = state.best, state.setup
    if found is None:
        return []
    by = "F1" if setup.best_by == "f1" else setup.best_by
    n_labelled = {each.number: each.labelled.n_labelled for each in state.rounds}[found.number]
    text = (
        f"Best by {by} on validation: round {found.number:,}, with {counted(n_labelled, 'label')} "
        f"and {by} {found.value:.3f}, of {counted(found.n_compared, 'round')} that are over nearly "
        f"the same objects. {counted(found.n_since, 'round') if found.n_since else 'None'} came "
        "after it."
    )
    if setup.patience:
        text += f" Patience is for {counted(setup.patience, 'round')} without a better one."
    return [Paragraph(text)]


def _is_break(before: ScoredRound, after: ScoredRound) -> bool:
    """Are the scores of two rounds over other objects?"""
    one, other = before.scores, after.scores
    assert one is not None, "others were left out"
    assert other is not None, "others were left out"
    return (one.over, one.by_folds) != (other.over, other.by_folds)
