"""What a report says of the data: the catalogue, labels, sets and features."""

from collections import Counter
from pathlib import PurePath

from al_engine.data.curated import How
from al_engine.data.joined import JoinedTable
from al_engine.data.readers import READERS
from al_engine.exchange.report.blocks import (
    Block,
    Facts,
    Items,
    Paragraph,
    Section,
    Table,
    Text,
)
from al_engine.settings.label import Label
from al_engine.sharing.report.subject import Subject
from al_engine.sharing.report.wording import (
    counted,
    drawn_how,
    in_brackets,
    listed,
    share_words,
)
from al_engine.starting import source_title

MOST_LISTED = 200  # columns or formulas; the configuration has them all
_DRAWN: dict[How, str] = {
    "criteria": "drawn by criteria",
    "audit": "drawn by an audit of the whole catalogue",
    "chosen": "chosen",
    "file": "read from a file",
}


def source_of(subject: Subject) -> str:
    """The catalogue's file by its name alone: where it lies is nobody's business."""
    title = source_title(subject.project.about.source)
    return PurePath(title).name or subject.project.name


def data(subject: Subject) -> Section:
    """Which catalogue it is, and which parts its columns play."""
    project, config = subject.project, subject.config
    catalogue, columns = project.catalogue, config.columns
    reader = READERS.get(catalogue.reader)
    facts = {
        "Catalogue": source_of(subject),
        "Format": reader.title if reader is not None else "",
        "Objects": f"{catalogue.n_rows:,}",
        "Columns": f"{len(catalogue.columns):,}",
        "Fingerprint of the data": catalogue.fingerprint,
        "Id": columns.id or "the number of the row",
        "Label": columns.label or "none: labels are people's alone",
        "Read as no label": ", ".join(columns.unknown) if columns.label else "",
        "Position": f"{columns.ra}, {columns.dec}" if columns.ra and columns.dec else "",
        "Read as missing": "; ".join(
            f"{name}: {', '.join(f'{value:g}' for value in values)}"
            for name, values in columns.missing.items()
        ),
        "Author": config.author,
        "DOI": config.doi,
    }
    blocks: list[Block] = [Facts(tuple((name, said) for name, said in facts.items() if said))]
    if catalogue.notes:
        blocks.append(Items(tuple(catalogue.notes[:10])))
    if catalogue.joined:
        blocks.append(_joined(catalogue.joined))
    return Section("Data", tuple(blocks))


def _joined(tables: tuple[JoinedTable, ...]) -> Table:
    return Table(
        ("Table", "Source", "Matched", "Rows", "Objects matched", "More than one counterpart"),
        tuple(
            (
                table.name,
                PurePath(table.source).name,
                table.how,
                f"{table.n_rows:,}",
                f"{table.n_matched:,}",
                f"{table.n_several:,}",
            )
            for table in tables
        ),
        "Tables that were joined to it",
        n_texts=3,
    )


# -- labels ------------------------------------------------------------------------------------


def labels(subject: Subject) -> Section:
    """Every label with its definition, and how many objects have it by whom."""
    config, dataset = subject.config, subject.dataset
    by_people = Counter(label for _, label in _verified(subject))
    curated = subject.project.curated().counts()
    rows = [
        (
            label.name,
            _values(label),
            label.definition or "–",
            f"{n:,}",
            f"{by_people[label.value]:,}",
            f"{curated.get(label.value, 0):,}",
        )
        for label, n in zip(config.labels, dataset.n_by_value, strict=True)
    ]
    n_unknown = dataset.n_rows - sum(dataset.n_by_value)
    rows.append(("No known label", "", "", f"{n_unknown:,}", "", ""))
    table = Table(
        ("Label", "In the catalogue as", "Given when", "Catalogue", "People", "Curated test set"),
        tuple(rows),
        n_texts=3,
    )
    said = (
        "People: objects whose label in force a person gave or settled, for any classifier, those "
        "of the curated test set aside. A person's label outranks the catalogue's everywhere."
    )
    if config.people.is_blind:
        said += f" People answer blind here: counted are the labels of {subject.who} alone."
    n_unsure = len({row for each in subject.classifiers for row in each.counted.unsure})
    if n_unsure:
        whose = f" by {subject.who}" if config.people.several else ""
        said += f" Passed as unsure{whose}, and so without a label: {counted(n_unsure, 'object')}."
    return Section("Labels", (table, Paragraph(said)))


def _verified(subject: Subject) -> set[tuple[int, str]]:
    """The objects that people labelled, in sight of who takes the report, with their labels."""
    return {
        (row, label)
        for each in subject.classifiers
        for row, label in each.counted.verified.items()
        if row not in each.counted.curated
    }


def _values(label: Label) -> str:
    values = [each.value for each in label.with_merged if each.in_catalogue]
    return ", ".join(values) or "not there: added"


# -- sets --------------------------------------------------------------------------------------


def sets(subject: Subject) -> Section:
    """How objects were shared out, and what tests."""
    config, sizes = subject.config, subject.sizes
    splits = config.splits
    parts = ("training", "validation", "test", "left out")
    rows = [
        (subject.name(value), *(f"{n:,}" for n in numbers)) for value, numbers in sizes.by_label
    ]
    rows.append(("No known label", *(f"{n:,}" for n in sizes.unknown)))
    every = [numbers for _, numbers in sizes.by_label] + [sizes.unknown]
    rows.append(("All", *(f"{sum(column):,}" for column in zip(*every, strict=True))))
    table = Table(
        ("Label of the catalogue", *(part.capitalize() for part in parts)),
        tuple(rows),
        "Objects of each set as drawn" + ("; curated ones test" * splits.curated),
    )
    facts = [
        ("Drawn", f"at random by object id, {drawn_how(splits)}: {share_words(splits)}"),
        ("Seed", str(splits.seed)),
        ("Objects without a label", "left out" if config.leave_out_unknown else "in the pool"),
    ]
    if config.leave_out_other_labels:
        names = listed([subject.name(value) for value in config.train_labels])
        facts.append(("Labels in use", f"{names}; objects with other labels are left out"))
    blocks: list[Block] = [Facts(tuple(facts)), table]
    if said := _curated(subject):
        blocks.append(Paragraph(said))
    return Section("Sets", tuple(blocks))


def _curated(subject: Subject) -> str:
    """What the curated test set is, in some sentences; "" where there is none."""
    curated = subject.project.curated()
    if not curated.how:
        return ""
    ways = Counter(curated.how.values())
    how = listed([f"{ways[way]:,} {said}" for way, said in _DRAWN.items() if ways[way]])
    met = len(frozenset(curated.labels) & curated.audit)
    use = (
        "It is the test set: none of its objects trains, and the share drawn for the test set "
        "validates."
        if subject.config.splits.curated
        else "It is not in use."
    )
    return (
        f"The curated test set has {counted(len(curated.labels), 'labelled object')}"
        f" and {len(curated.unsure):,} that were passed as unsure: {how}. "
        f"{met:,} of the labelled ones make the audit sample. {use}"
    )


# -- features ----------------------------------------------------------------------------------


def features(subject: Subject) -> Section:
    """What the classifiers see of an object."""
    made = subject.dataset.features
    base = [feature for feature in made if not feature.operation]
    combined = [feature.formula for feature in made if feature.operation]
    catalogue = subject.project.catalogue
    rows = []
    for feature in base[:MOST_LISTED]:
        column = catalogue.column(feature.name)
        rows.append((feature.name, column.unit or "–", column.description or "–"))
    blocks: list[Block] = []
    if made:
        blocks = [
            Paragraph(f"{counted(len(made), 'feature')} of numbers. {preparation(subject)}"),
            Table(("Column", "Unit", "Description"), tuple(rows), n_texts=3),
        ]
    if len(base) > MOST_LISTED:
        blocks.append(Paragraph(f"And {len(base) - MOST_LISTED:,} more columns."))
    if combined:
        more = len(combined) - MOST_LISTED
        formulas = "; ".join(combined[:MOST_LISTED]) + (f"; and {more:,} more" if more > 0 else "")
        blocks.append(Paragraph(f"{len(combined):,} made of these: {formulas}."))
    if subject.n_terms:
        names = listed(list(subject.config.features.texts))
        text: Text = (
            f"{subject.n_terms:,} features of the texts in {names}: words and pairs of words that "
            "stand in at least two texts of the training set, labelled or not, each weighed by the "
            "logarithm of its count and of how rare it is there (TF-IDF",
            *in_brackets(("salton1988",)),
            "), a text's features scaled to length 1. Tags are removed and letter case is ignored.",
        )
        blocks.append(Paragraph(text))
    return Section("Features", tuple(blocks))


def preparation(subject: Subject) -> str:
    """What is done to the features before a model sees them."""
    said = "Missing values are replaced by the median of the training set"
    if subject.config.features.scale:
        said += (
            "; each feature is centred on its median there and divided by its interquartile range"
        )
    return f"{said}."
