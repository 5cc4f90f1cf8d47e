"""What a report says of the simulations that the project keeps: curves, and labels saved."""

from collections.abc import Mapping
from typing import Any

from al_engine.exchange.report.blocks import (
    Block,
    Facts,
    Items,
    Paragraph,
    Plot,
    PlotRow,
    Section,
    Table,
    Text,
    joined,
)
from al_engine.learning.metrics import Score
from al_engine.settings.config import MemberSetup
from al_engine.sharing.report.subject import Simulated, Subject
from al_engine.sharing.report.wording import (
    counted,
    drawn_how,
    listed,
    model_name,
    settings_words,
    share_words,
)
from al_engine.showing.simulated import (
    Band,
    bands,
    full_supervision,
    levels,
    range_compared,
    table,
    verdicts,
)
from al_engine.simulating.settings import PlannedModel, SimulationPlan

MOST_TOLD = 12  # simulations; the latest
MOST_CURVES = 6
_STATES = {
    "finished": "finished",
    "running": "still running when this was made",
    "stopped": "stopped before its end",
    "failed": "ended before its time",
}
_BEGUN = {
    "random": "drawn at random with one of each label at least",
    "balanced": "as many of each label",
    "kmeans": "spread by k-means, which looks at no label",
    "first": "the first of the training set, as the catalogue has them",
}
_SCORES = {"f1": "F1"}


def simulations(subject: Subject) -> Section | None:
    """All of them; None where there is none."""
    if not subject.simulated:
        return None
    text = (
        "In a simulation objects of known label are asked about over again by query strategies, "
        "with those labels for answers, beside random choice and beside full supervision: the "
        "model trained on all labels of the training set. Each seed draws the sets and the labels "
        "to begin with anew, the same for every strategy. Numbers are means over seeds, with 95% "
        "intervals by Student's t; they say how much the draws matter, and nothing of objects that "
        "the catalogue does not hold."
    )
    if (n := len(subject.simulated) - MOST_TOLD) > 0:
        text += f" {counted(n, 'earlier simulation')} in the project: told of are the latest."
    below = tuple(_simulation(subject, each) for each in subject.simulated[-MOST_TOLD:])
    return Section("Simulations", (Paragraph(text),), below)


def _simulation(subject: Subject, each: Simulated) -> Section:
    numbers, settings = each.numbers, each.numbers["settings"]
    metric = _score_name(settings["metric"])
    blocks: list[Block] = [Facts(_set_up(subject, each))]
    columns = {"strategy": "Strategy", "area": f"Area, {metric}"}
    columns |= {level: f"Labels to {title}" for level, title in levels(numbers).items()}
    columns |= {"false_positives": "False positives", "false_negatives": "False negatives"}
    rows = tuple(tuple(row[key] for key in columns) for row in table(numbers))
    blocks.append(Table(tuple(columns.values()), rows, "At the end of the budget"))
    ends = range_compared(numbers)
    between = f" from {ends[0]:,} to {ends[1]:,} labels" if ends else ""
    notes: list[Text] = [f"Area: the mean of the score{between}. {_over(each.kept.plan)}"]
    for level in levels(numbers):
        notes += verdicts(numbers, level)
    if leaking := [found["title"] for found in numbers["summary"].values() if found["leaks"]]:
        notes.append(
            f"{listed(leaking)} looked at labels that nobody has in real use: its scores are too "
            "good to believe."
        )
    blocks.append(Items(tuple(notes)))
    blocks += _curves(each.kept.plan, numbers, metric)
    return Section(each.kept.name, tuple(blocks))


def _set_up(subject: Subject, each: Simulated) -> tuple[tuple[str, Text], ...]:
    plan, kept = each.kept.plan, each.kept
    data = each.numbers["settings"]["data"]
    state = _STATES[kept.state]
    if kept.state != "finished":
        state += f", after {kept.n_done:,} of {counted(kept.of, 'round')}"
    n_initial = each.numbers["settings"]["n_initial"]
    begun = f"{n_initial:,}, {_BEGUN[plan.initial]}"
    budget = "until the pool is empty" if plan.budget is None else f"{plan.budget:,} labels more"
    rows: list[tuple[str, Text]] = [
        ("Made", f"{kept.made:%Y-%m-%d}, {state}"),
        ("Objects", f"{data['n_objects']:,} with a known label" if "n_objects" in data else ""),
        (
            "Told apart",
            "all labels"
            if plan.positive is None
            else f"{subject.name(plan.positive)} from all others",
        ),
    ]
    rows += [("Model", joined(_model_words(model), "; ")) for model in plan.models]
    rows += [
        ("Labels to begin with", begun),
        ("Batch size", f"{plan.batch_size:,}"),
        ("Budget", budget),
        ("Seeds", f"{plan.n_seeds:,}"),
        ("Sets", f"{drawn_how(plan.splits)}: {share_words(plan.splits)}"),
    ]
    if plan.keep_best:
        rows.append(("Scored", "the best model so far by validation"))
    if plan.patience:
        rows.append(("Patience", f"{plan.patience:,} rounds without a better one on validation"))
    if plan.target is not None:
        ends = ", at which a curve ends" if plan.stops_at_target else ""
        rows.append(("Target", f"{_score_name(plan.target.metric)} {plan.target.value:g}{ends}"))
    return tuple((name, text) for name, text in rows if text)


def _over(plan: SimulationPlan) -> str:
    if plan.is_transductive:
        return "Scores are over the objects that are not labelled yet."
    return "Scores are over the test set of each seed."


def _model_words(model: PlannedModel) -> list[Text]:
    setups = [MemberSetup(member.model, params=member.params) for member in model.members]
    return [joined([model_name(each), settings_words(each)], ". Settings: ") for each in setups]


def _curves(plan: SimulationPlan, numbers: Mapping[str, Any], metric: str) -> list[Block]:
    """The curves; of many those of the largest area, and random choice beside them."""
    area = {each["title"]: each["aubc"]["mean"] or 0.0 for each in numbers["summary"].values()}
    found = bands(plan, numbers, numbers["settings"]["metric"])
    full = full_supervision(plan, numbers, numbers["settings"]["metric"])
    random = [band for band in found if band.is_random]
    others = sorted(
        (band for band in found if not band.is_random), key=lambda band: -area.get(band.name, 0.0)
    )
    found = [*others[: MOST_CURVES - len(random)], *random][:MOST_CURVES]
    at = sorted({n for band in found for n in band.n_labelled})
    if len(at) < 2:
        return []
    points = [_points(band) for band in found]
    rows = tuple(PlotRow(n, tuple(held.get(n) for held in points)) for n in at)
    title = f"{metric[:1].upper()}{metric[1:]} by the number of labels"
    many = len(full) > 1
    shown = [
        (f"Full supervision, {model}" if many else "Full supervision", _score(over))
        for model, over in full
    ]
    return [
        Plot(
            title,
            "labels trained on",
            tuple(band.name for band in found),
            rows,
            "Means over seeds.",
            n_bands=len(found),
            levels=tuple(shown[:2]),
        )
    ]


def _points(band: Band) -> dict[int, Score]:
    zipped = zip(band.n_labelled, band.mean, band.low, band.high, strict=True)
    return {n: Score(mean, low, high, band.n_seeds) for n, mean, low, high in zipped}


def _score(found: Mapping[str, Any]) -> Score:
    return Score(found["mean"], found["low"], found["high"], found["n"])


def _score_name(metric: str) -> str:
    return _SCORES.get(metric, metric)
