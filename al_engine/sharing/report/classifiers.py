"""What a report says of each classifier, and of all of them together."""

from collections import Counter

from al_engine.exchange.report.blocks import (
    Block,
    Facts,
    Paragraph,
    Section,
    Table,
    Text,
    joined,
    number,
)
from al_engine.learning.agreement import Agreement, Kappa
from al_engine.loop.state import State
from al_engine.sharing.report.scores import best, curve, scores_of
from al_engine.sharing.report.subject import (
    AGAIN,
    CLICK,
    ELSEWHERE,
    GIVEN,
    INITIAL,
    QUERY,
    SELECTION,
    Subject,
    Told,
)
from al_engine.sharing.report.trust import calibration, stopping
from al_engine.sharing.report.wording import (
    counted,
    in_brackets,
    model_name,
    settings_words,
    strategy_of,
    strategy_settings,
    strategy_words,
)

CAME = {
    GIVEN: "The catalogue's, to begin with",
    INITIAL: "Asked for to begin with",
    QUERY: "Chosen by the query strategy",
    CLICK: "Chosen by a person",
    SELECTION: "Of selections labelled at once",
    AGAIN: "Asked about once more",
    ELSEWHERE: "Answered for another classifier",
}


def classifier(subject: Subject, told: Told) -> Section:
    """One classifier: how it learns, from what, how good it is and how that came about."""
    if told.state is None:
        return Section(told.name, (Paragraph(f"It has no model: {told.fault}"),))
    blocks: list[Block] = [Facts(_set_up(subject, told.state)), *_labels(subject, told)]
    blocks += _people(told)
    if told.state.scores is not None:
        blocks += scores_of(subject, told, told.state)
        blocks += curve(told.state.rounds, len(subject.classifiers))
        blocks += best(told.state)
    below = (calibration(told, told.state), stopping(told))
    return Section(told.name, tuple(blocks), tuple(each for each in below if each is not None))


def _set_up(subject: Subject, state: State) -> tuple[tuple[str, Text], ...]:
    setup, of_texts = state.setup, bool(subject.n_terms)
    rows: list[tuple[str, Text]] = []
    for i, member in enumerate(setup.members, start=1):
        title = f"Model {i} of {len(setup.members)}" if len(setup.members) > 1 else "Model"
        said: list[Text] = [model_name(member, of_texts=of_texts), settings_words(member)]
        rows.append((title, joined(said, ". Settings: ")))
    chosen: Text = ("Objects are chosen ", *strategy_words(strategy_of(setup)))
    if settings := strategy_settings(setup):
        chosen = (*chosen, f". Settings: {settings}")
    size = setup.batch_size
    batch = f"{size:,} objects between two fits" if size > 1 else "1: it learns after each answer"
    begun = "the catalogue" if setup.initial_labels == "catalogue" else "people"
    return (
        *rows,
        ("Query strategy", chosen),
        ("Batch size", batch),
        ("Labels to begin with", f"{setup.n_initial:,}, from {begun}"),
        ("Seed", str(state.config.splits.seed)),
    )


# -- labels ------------------------------------------------------------------------------------


def _labels(subject: Subject, told: Told) -> list[Block]:
    assert told.state is not None, "a classifier without a state says why"
    seen, is_blind = told.counted, subject.config.people.is_blind
    rows = [(said, f"{told.came[how]:,}") for how, said in CAME.items() if told.came.get(how)]
    other = sum(n for how, n in told.came.items() if how not in CAME)
    rows += [("Came up otherwise", f"{other:,}")] if other else []
    n_trained = sum(told.came.values())
    rows.append(("All that train", f"{n_trained:,}"))
    beside = {
        "Of labels that the settings leave out": len(seen.trained) - n_trained,
        "At random: they only validate": len(seen.validated),
        "Of objects that validate or test, corrected": len(seen.corrected),
        "Passed as unsure": len(seen.unsure),
        "Differing between people: they count for nothing": len(seen.disputed),
    }
    rows += [(said, f"{n:,}") for said, n in beside.items() if n]
    left_out = subject.dataset.left_out
    trained = [label for label in seen.trained.values() if label not in left_out]
    by_label = Counter(trained).most_common()
    sides = ", ".join(f"{subject.name(label)} {n:,}" for label, n in by_label)
    rounds = counted(len(told.state.rounds), "round")
    text = f"{counted(told.n_trained, 'label')} train it, in {rounds}"
    text += f": {sides}." if sides and not is_blind else "."
    if told.answered is not None:
        first, last = (day.isoformat() for day in told.answered)
        text += f" People answered on {first}." if first == last else (
            f" People answered from {first} to {last} (UTC)."
        )  # fmt: skip
    title = "Labels, by how their objects came up first"
    if is_blind:
        title += f"; people answer blind: those of {subject.who} and the catalogue alone"
    return [Paragraph(text), Table(("Labels", "Number"), tuple(rows), title)]


# -- people ------------------------------------------------------------------------------------


def _people(told: Told) -> list[Block]:
    """Who answered, and how far they agree."""
    if not told.people:
        return []
    listed = [(each.name, f"{each.n_labels:,}", f"{each.n_unsure:,}") for each in told.people]
    blocks: list[Block] = [Table(("Person", "Labels", "Unsure"), tuple(listed), "Who answered")]
    found = told.agreement
    if found is None or not found.kappa.n:
        return blocks
    pairs = [(f"{pair.one}, {pair.other}", pair.found) for pair in told.pairs if pair.found.share.n]
    rows = [("All", found), *pairs] if len(pairs) > 1 else [("All", found)]
    head = ("People", "Objects", "Same label", "Cohen's kappa")
    table = tuple(
        (who, f"{each.kappa.n:,}", number(each.share), kappa(each.kappa)) for who, each in rows
    )
    blocks.append(Table(head, table, "Agreement, with 95% intervals in brackets"))
    cites = ("cohen1960", "light1971") if len(told.people) > 2 else ("cohen1960", "fleiss1969")
    said = (
        "Over objects that two people or more labelled, by the label each gave before they could "
        "see that others differ"
    )
    blocks.append(Paragraph((said, *in_brackets(cites), ".")))
    return blocks


def kappa(found: Kappa) -> str:
    """Kappa with its interval, where it has one."""
    if found.value is None:
        return "undefined"
    value = f"{round(found.value, 2) + 0.0:.2f}"
    if found.low is None or found.high is None:
        return value
    return f"{value} ({found.low:.2f}–{found.high:.2f})"


# -- all together ------------------------------------------------------------------------------


def together(subject: Subject) -> Section | None:
    """What all classifiers predict together; None where fewer than two can."""
    made = subject.together
    if made is None:
        return None
    names = [subject.name(each) for each in made.classifiers]
    said: Text = (
        "One label for each object: that of the classifier with the largest calibrated "
        "probability, by a sigmoid each",
        *in_brackets(("platt1999",)),
        f"; none where all lie under {made.none_below:g}. Accuracy {number(made.accuracy)} over "
        f"{made.accuracy.n:,} objects with a known label that validate for every classifier, each "
        "predicted by sigmoids that were fitted without it.",
    )
    blocks: list[Block] = [Paragraph(said)]
    if made.accuracy.n:
        head = ("Is", *(f"predicted {name}" for name in (*names, "none of these")))
        rows = [
            (name, *(f"{n:,}" for n in row))
            for name, row in zip((*names, "any other"), made.confusion, strict=True)
        ]
        blocks.append(Table(head, tuple(rows), "Confusion matrix"))
    return Section("All classifiers together", tuple(blocks))


def repeated(subject: Subject) -> Section | None:
    """How far a person agrees with themselves; None where nobody was asked twice."""
    found: Agreement = subject.repeated
    if not found.share.n:
        return None
    who = subject.who if subject.config.people.several else "The person"
    text: Text = (
        f"{who} was asked about {counted(found.share.n, 'object')} a second time without being "
        f"told, and gave the same label in a share of {number(found.share)}; Cohen's kappa "
        f"{kappa(found.kappa)}",
        *in_brackets(("cohen1960",)),
        ".",
    )
    return Section("Asked twice", (Paragraph(text),))
