"""The report: what it says of a project, and that nothing in it is taken for HTML or Markdown."""

import re
import tomllib
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    CLASSES,
    ROOT,
    TRUTH,
    answer,
    begin,
    known,
    make_table,
    small_setup,
    survey_values,
)
from paging import SHARE, click, fine, read, show
from test_people import together as working_together

import al_engine
from al_engine.curating.models import scores_of_test_set
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import WorkCancelled
from al_engine.exchange.report import as_markdown as markdown
from al_engine.exchange.report.as_html import as_html
from al_engine.exchange.report.blocks import (
    Facts,
    Items,
    Paragraph,
    Plot,
    PlotRow,
    Report,
    Section,
    Table,
    Verbatim,
)
from al_engine.exchange.report.references import REFERENCES, as_bibtex
from al_engine.learning.metrics import Score
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import (
    ALL_LABELS,
    Columns,
    Combination,
    Features,
    Label,
    MemberSetup,
    ProjectConfig,
)
from al_engine.settings.target import Target
from al_engine.sharing.report import subject
from al_engine.sharing.report.making import report_of, write_report
from al_engine.sharing.report.wording import (
    MODELS_SAID,
    MODELS_SAID_OF_TEXTS,
    STRATEGIES_SAID,
    SURVEYS,
)
from al_engine.showing import simulated
from al_engine.showing.advice import advice_on
from al_engine.showing.covering import pool_without
from al_engine.showing.targets import set_target
from al_engine.simulating import process
from al_engine.simulating.kept import Simulations, simulations_of
from al_engine.simulating.settings import PlannedMember, PlannedModel, SimulationPlan
from al_engine.simulating.summary import over_seeds
from al_engine.starting import start_demo

DAY = date(2026, 11, 22)
VOID = {"meta", "br", "line", "circle", "rect", "polyline", "polygon"}
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "h4", "p", "nav", "a",
    "section", "ul", "li", "dl", "dt", "dd", "div", "table", "caption", "thead", "tbody", "tr",
    "th", "td", "figure", "figcaption", "pre", "svg", "text", *VOID,
}  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>",
    "x|y\n| a | b |",
    "`rm` ```x``` **b** _i_ [l](javascript:1) ![p](http://evil.test/p.png)",
    "# h \u202e www.evil.test <me@evil.test> $x$ &lt;b&gt;",
    '"><img src=x onerror=alert(1)>',
)


class Reader(HTMLParser):
    """What a browser would make of a file: its tags, balanced, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        self.attributes += [(tag, *each) for each in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        self.attributes += [(tag, *each) for each in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def written(session: LabellingSession, **options: Any) -> tuple[str, str]:
    made = write_report(session, DAY, **options)
    return made.html.read_text(encoding="utf-8"), made.markdown.read_text(encoding="utf-8")


def rows_of_tables(text: str) -> list[list[str]]:
    """The lines of each table of Markdown."""
    found: list[list[str]] = []
    before = ""
    for line in text.splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append(line)
        before = line
    return found


def n_cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


@pytest.fixture
def begun(project: Project) -> LabellingSession:
    """The small project after eight answers about QSO."""
    session = begin(project)
    for _ in range(8):
        answer(session)
    return session


# -- what it says ------------------------------------------------------------------------------


def test_the_methods_say_what_was_done_with_its_numbers(begun):
    said = written(begun)[1].split("## Methods")[1].split("\n## ")[0]
    assert "300 objects, 270 of them with a known label" in said
    assert "described by 10 features: 4 columns" in said
    assert "the 6 differences of every two of them" in said
    assert "a random forest (Breiman 2001) with 10 trees was trained" in said
    assert "on 13 labels: 5 of the catalogue's" in said
    assert (
        "After each answer the model was trained afresh on all labels so far, in 9 rounds" in said
    )
    assert "8 for objects chosen by uncertainty sampling (Lewis \\& Gale 1994)" in said
    scores = begun.state("QSO").scores
    assert scores is not None
    f1 = scores.validation.f1
    assert f"an F1 of {f1.value:.3f} ({f1.low:.3f} to {f1.high:.3f})" in said


def test_a_balanced_start_is_told_as_one(project):
    session = LabellingSession(project, "Ada")
    session.start("QSO", replace(small_setup(), initial_draw="balanced"))
    assert "at random, as many of each label, to begin with" in written(session)[1]


def test_the_same_state_gives_the_same_files_and_another_day_another(begun):
    once = written(begun)
    assert written(begun) == once
    other = write_report(begun, date(2026, 11, 23)).html.read_text(encoding="utf-8")
    assert other != once[0]
    assert other.replace("2026-11-23", "2026-11-22") == once[0]


def test_labels_are_counted_by_how_they_came_and_add_up(begun):
    state = begun.state("QSO")
    chosen = next(row for row in known(begun, TRAIN) if row not in state.history.trained)
    begun.answer("QSO", chosen, "answer", TRUTH[chosen], token=state.token)
    checked = next(known(begun, VALIDATION))
    begun.answer("QSO", checked, "answer", TRUTH[checked], token=begun.state("QSO").token)
    answer(begun, kind="unsure")
    text = written(begun)[1]
    for line in (
        "| The catalogue's, to begin with | 5 |",
        "| Chosen by the query strategy | 8 |",
        "| Chosen by a person | 1 |",
        "| All that train | 14 |",
        "| Of objects that validate or test, corrected | 1 |",
        "| Passed as unsure | 1 |",
    ):
        assert line in text
    assert "people gave the labels of 1, the catalogue those of the others" in text


def test_the_test_set_is_looked_at_only_where_that_is_asked_for(begun, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(subject, "scores_of_test_set", None)  # whoever calls it fails
        text = written(begun)[1]
    assert "The test set was not looked at for this report." in text
    assert "On the test set" not in text
    scores = scores_of_test_set(begun, "QSO")
    assert scores is not None
    told = written(begun, with_test=True)[1]
    assert f"| Test set | {scores.n:,} | {scores.accuracy.value:.3f}" in told
    assert "was not looked at" not in told


def test_training_scores_are_called_biased_where_most_labels_were_chosen(begun):
    assert "| Training | " in written(begun)[1]
    session = begun
    session.change_settings(replace(session.config, leave_out_unknown=True))
    splits = replace(session.config.splits, mode="counts", train=20, validation=60, test=60)
    session.change_settings(replace(session.config, splits=splits))
    while session.state("QSO").trained_share <= 0.5:
        answer(session)
    assert "| Training, biased | " in written(session)[1]


def test_only_works_that_are_cited_stand_among_the_references(begun):
    html, text = written(begun)
    for key, is_there in (("breiman2001", True), ("cohen1960", False), ("cortes1995", False)):
        assert (f'id="ref-{key}"' in html) is is_there
        assert (f"{{{key}," in text) is is_there
    cited = set(re.findall(r'href="#ref-(\w+)"', html))
    assert cited == set(re.findall(r'id="ref-(\w+)"', html))


def test_a_classifier_that_cannot_be_made_says_why_and_keeps_no_other_from_it(begun):
    gone = small_setup(members=(MemberSetup("of_an_extension"),))
    setups = {**begun.config.setups, "STAR": gone}
    begun.project.save_config(replace(begun.config, setups=setups), "Ada")
    text = written(begun)[1]
    assert "It has no model: There is no model 'of\\_an\\_extension'." in text
    assert "| Validation | " in text


def test_two_classifiers_are_told_together_too(begun):
    begun.start("STAR", small_setup())
    for _ in range(3):
        answer(begun, "STAR")
    text = written(begun)[1]
    assert "## All classifiers together" in text
    assert "To tell Qso and Star each from all other labels, a random forest" in text
    assert "Platt, J. (1999)" in text


def test_batches_and_what_a_strategy_is_set_to_are_told(project):
    member = MemberSetup("random_forest", "margin_power", {"n_estimators": 10})
    setup = small_setup(members=(member,), batch_size=3, strategy_params={"power": 4.0})
    session = LabellingSession(project, "Ada")
    session.start("QSO", setup)
    for _ in range(6):
        answer(session)
    text = written(session)[1]
    assert "After each batch of 3 the model was trained afresh" in text
    assert "the closer the margin the likelier" in text
    assert "Settings: Power: 4" in text
    assert "**Batch size**: 3 objects between two fits" in text
    session.change_settings(
        replace(session.config, setups={"QSO": replace(setup, batch_size=1)})
    )  # fmt: skip
    answer(session)
    assert "After each batch of up to 3 answers" in written(session)[1]


def test_what_texts_give_to_learn_from_is_told(tmp_path, opened):
    session = LabellingSession(opened(start_demo(tmp_path, "reviews")), "Ada")
    member = MemberSetup("naive_bayes", "margin")
    (label,) = session.config.train_labels
    session.start(label, small_setup(members=(member,), calibration="none"))
    text = written(session)[1]
    n_terms = len(session.project.dataset().X.vocabulary.terms)
    assert f"described by its text (review): {n_terms:,} words and pairs of words" in text
    assert "complement naive Bayes" in text
    assert "Salton, G.; Buckley, C. (1988)" in text
    assert "0 features" not in text


def test_calibration_threshold_and_what_they_give_are_told(begun):
    setup = replace(begun.config.setups["QSO"], calibration="sigmoid", threshold=0.4)
    begun.choose_threshold("QSO", setup)
    found = begun.calibrated("QSO", setup)
    assert found is not None
    assert found.stated is not None
    assert found.mended is not None
    assert found.at is not None
    text = written(begun)[1]
    assert f"calibration error of its probability is {found.stated.ece:.3f}" in text
    assert f"it is {found.mended.ece:.3f}" in text
    completeness = found.at.scores.recall
    assert f"completeness {completeness.value:.3f} ({completeness.low:.3f}–" in text
    assert "calibrated by a sigmoid (Platt 1999) on validation, and cut at 0.40" in text
    assert len(found.mended.bins) == sum(
        row.count("|") == 4
        for table in rows_of_tables(text)
        if "Probability said" in table[0]
        for row in table[2:]
    )


def test_when_to_stop_and_what_lies_far_are_told_as_on_the_page(begun):
    while begun.state("QSO").n_trained < 45:
        answer(begun)
    state = begun.state("QSO")
    advice, far = advice_on(begun, state), pool_without(begun, state)
    assert advice.unchanged.value is not None
    assert far is not None
    text = written(begun)[1]
    assert "#### When to stop" in text
    assert f"| Classes change | {advice.unchanged.value:.1%} of objects |" in text
    assert f"No training data near: a share of {far.value:.3f}" in text
    assert "Laxhammar, R.; Falkman, G. (2010)" in text


def test_a_target_is_told_and_one_on_the_audit_is_not_looked_at_unasked(begun, monkeypatch):
    set_target(begun, "QSO", Target("f1", 0.3), "validation")
    score = begun.state("QSO").scores.validation.f1
    text = written(begun)[1]
    assert "Target: F1 0.3 on validation" in text
    assert f"Now {score.value:.3f} ({score.low:.3f}–{score.high:.3f})" in text
    set_target(begun, "QSO", Target("f1", 0.3), "audit")
    monkeypatch.setattr(subject, "approach", None)  # whoever calls it fails
    assert "Target:" not in written(begun)[1]


def test_simulations_are_told_with_curves_and_what_they_saved(begun, monkeypatch):
    monkeypatch.setattr(Simulations, "_start", lambda self, folder: process._run(folder))
    plan = SimulationPlan(
        (PlannedModel((PlannedMember("logistic_regression"),)),), ("margin_clusters",),
        batch_size=10, budget=30, n_seeds=2, positive="QSO",
    )  # fmt: skip
    held = simulations_of(begun.project)
    key = held.begin(begun.project, plan, HOSTILE[0])
    numbers = held.numbers(key)
    html, text = written(begun)
    Reader(html)
    assert "## Simulations" in text
    assert markdown.escaped(HOSTILE[0]) in text
    (area,) = [row["area"] for row in simulated.table(numbers) if "argin" in row["strategy"]]
    assert f"| Margin, clustered | {area} |" in text
    assert "margin_clusters" not in text
    assert "margin\\_clusters" not in text
    assert "| Random |" in text
    full = over_seeds([each["accuracy"] for each in numbers["full"]])
    assert f"Full supervision: {full['mean']:.3f}" in text
    assert html.count('class="level l0"') == 2  # the line, and its place in the legend


def test_a_simulation_whose_numbers_cannot_be_made_keeps_no_report_from_being_made(
    begun, monkeypatch
):
    monkeypatch.setattr(Simulations, "_start", lambda self, folder: process._run(folder))
    plan = SimulationPlan(
        (PlannedModel((PlannedMember("naive_bayes"),)),), (), budget=0, n_seeds=1, positive="QSO"
    )
    held = simulations_of(begun.project)
    file = held.folder / held.begin(begun.project, plan, "Quasars") / "plan.json"
    file.write_text(file.read_text().replace("QSO", "no such label"))
    assert "Simulations" not in written(begun)[1]


def test_without_a_simulation_nothing_is_said_of_any(begun):
    assert "Simulations" not in written(begun)[1]


def test_a_classifier_over_all_labels_is_told_label_by_label(begun):
    both = (*begun.config.train_labels, ALL_LABELS)
    begun.change_settings(replace(begun.config, train_labels=both))
    begun.start(ALL_LABELS, small_setup())
    for _ in range(6):
        answer(begun, ALL_LABELS)
    text = written(begun, with_test=True)[1]
    assert "To tell all labels apart, a random forest" in text
    assert "the classifier over all labels reached a macro-averaged F1 of" in text
    assert "**Validation, label by label**" in text
    assert "| Is | predicted Galaxy | predicted Qso | predicted Star |" in text
    assert "Zou, G. Y.; Donner, A. (2008)" in text


def test_people_are_named_and_their_agreement_told_where_several_answer(project):
    ada, ben = working_together(project)
    for row in list(known(ada, TRAIN))[:12]:
        for session in (ada, ben):
            answer(session, row=row)
    text = written(ada)[1]
    assert "| Ada | 12 | 0 |" in text
    assert "| All | 12 | 1.000 (" in text
    assert "Cohen 1960" in text


def test_blind_a_report_counts_no_label_of_another(project):
    ada, ben = working_together(project, blind=True)
    rows = [row for row in range(len(TRUTH)) if project.dataset().codes[row] < 0][:5]
    before = written(ben)[1]
    for row in rows:
        answer(ada, row=row, label="STAR")
    after = written(ben)[1]

    def table(text: str, title: str) -> list[str]:
        return next(t for t in rows_of_tables(text) if t[0].startswith(f"| {title}"))

    for title in ("Label |", "Labels |"):
        assert table(after, title) == table(before, title)
    assert "5 of other people" in after
    assert "those of Ben and the catalogue alone" in after
    theirs = write_report(ada, DAY)
    assert theirs.html.parent != write_report(ben, DAY).html.parent


def test_a_report_that_is_cancelled_leaves_the_one_before(begun):
    before = written(begun)
    answer(begun)
    with pytest.raises(WorkCancelled):
        write_report(begun, DAY, cancelled=lambda: True)
    made = report_of(begun)
    assert made is not None
    assert made.html.read_text(encoding="utf-8") == before[0]
    assert made.n_newer == 1


# -- that it does no harm ----------------------------------------------------------------------


@pytest.fixture
def hostile(tmp_path: Path):
    """A project each of whose names tries to be more than a name."""
    values = survey_values()
    renamed = dict(zip(("g", "r", "G", "note"), HOSTILE[:4], strict=True))
    values = {renamed.get(name, name): array for name, array in values.items()}
    config = ProjectConfig(
        labels=tuple(
            Label(
                value,
                name.replace("\n", " "),
                "#0072B2",
                definition=said.replace("\n", " ").replace("\u202e", ""),
            )
            for value, name, said in zip(CLASSES, HOSTILE, reversed(HOSTILE), strict=False)
        ),
        columns=Columns(id="name", label="class"),
        features=Features(tuple(renamed.values())[:3], (Combination("divide", 2),)),
        train_labels=("QSO",),
        author=HOSTILE[0],
        doi=HOSTILE[4],
    )
    table = make_table(values, units={renamed["g"]: HOSTILE[4]})
    folder, _ = create_project(tmp_path, HOSTILE[4], table, config, source=HOSTILE[1])
    session = LabellingSession(open_project(folder), HOSTILE[0])
    session.start("QSO", small_setup())
    for _ in range(4):
        answer(session)
    yield session
    close_project(folder)


def test_nothing_in_a_report_is_taken_for_html(hostile):
    html, _ = written(hostile, with_test=True)
    read = Reader(html)
    for tag, name, value in read.attributes:
        assert not name.startswith("on")
        assert name != "style"
        if name == "href":
            assert value is not None
            assert re.match(r"#(ref-\w+|s[\d-]+)$|https://", value), value
            assert "evil" not in value
        assert name != "src", tag
    text = "".join(read.said)
    for name in (HOSTILE[0], HOSTILE[4]):
        assert name in text
    assert "\u202e" not in html
    assert "default-src 'none'" in html
    assert len(html.encode()) < 300_000


def test_nothing_in_a_report_is_taken_for_markdown(hostile):
    _, text = written(hostile, with_test=True)
    tables = rows_of_tables(text)
    assert len(tables) > 6
    for table in tables:
        assert len({n_cells(line) for line in table}) == 1, table[0]
    body = text.split("## References")[0]
    assert not re.search(r"(?<!\\)<", body)
    assert not re.search(r"(?<!\\)`", body)
    assert not re.search(r"(?<!\\)\[", body)
    assert "http://" not in body
    assert "www.evil" not in body


def test_every_block_holds_hostile_text_in_both_forms():
    for bad in HOSTILE:
        blocks = (
            Paragraph(bad),
            Items((bad,)),
            Facts(((bad, bad),)),
            Table((bad, bad), ((bad, bad),), bad),
            Plot(bad, bad, (bad,), (PlotRow(1, (None,)), PlotRow(2, (Score(0.5, 0.4, 0.6, 9),)))),
            Verbatim(bad),
        )
        report = Report(bad, bad, (Section(bad, blocks, (Section(bad, ()),)),))
        Reader(as_html(report))
        lines = re.sub(r"```.*```", "", markdown.as_markdown(report), flags=re.S).splitlines()
        assert [line for line in lines if re.match(r"#+ ", line)] == [
            f"{'#' * level} {markdown.escaped(bad)}" for level in (1, 2, 3)
        ]


def test_text_that_ends_a_fence_stays_inside_it():
    report = Report("t", "s", (Section("s", (Verbatim("a\n```\nb"),)),))
    assert markdown.as_markdown(report).endswith("````\na\n```\nb\n````\n")


# -- registries --------------------------------------------------------------------------------


def test_every_model_and_strategy_of_ours_is_called_something_and_cites_what_there_is():
    ours = {m.name for m in MODELS.values() if m.origin is None}
    assert ours <= MODELS_SAID.keys()
    strategies = {**STRATEGIES, **COMMITTEE_STRATEGIES}
    assert {s.name for s in strategies.values() if s.origin is None} <= STRATEGIES_SAID.keys()
    said = [
        *MODELS_SAID.values(),
        *MODELS_SAID_OF_TEXTS.values(),
        *STRATEGIES_SAID.values(),
        *SURVEYS.values(),
    ]
    assert {key for each in said for key in each.cites} <= REFERENCES.keys()


def test_every_reference_has_a_key_a_year_and_well_formed_bibtex():
    for reference in REFERENCES.values():
        assert re.fullmatch(rf"[a-z]+{reference.year}", reference.key)
        assert str(reference.year) in reference.short
        assert not reference.doi or re.fullmatch(r"10\.\d{4,}/\S+", reference.doi)
        assert reference.bibtex.count("{") == reference.bibtex.count("}")
    assert as_bibtex(["wilson1927", "cox1958"]).index("cox1958") == len("@article{")
    assert "journal = {Information Processing \\& Management}" in as_bibtex(["salton1988"])


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert al_engine.__version__ == project["version"]


# -- the page ----------------------------------------------------------------------------------


def test_the_page_makes_a_report_and_offers_both_files(survey_begun):
    answer(survey_begun)
    at = click(show(SHARE, "survey"), "report-make")
    keys = {button.key for button in at.get("download_button")}
    assert {"report-html", "report-md"} <= keys
    made = report_of(survey_begun)
    assert made is not None
    assert "was not looked at" in made.markdown.read_text(encoding="utf-8")
    (tick,) = [each for each in at.checkbox if each.key == "report-test-survey"]
    at = click(fine(tick.check().run()), "report-make")
    assert "was not looked at" not in made.markdown.read_text(encoding="utf-8")
    answer(survey_begun)
    assert "since then 1 event" in read(fine(at.run()))


def test_without_a_classifier_there_is_no_report_to_make(ready):
    assert "Report" not in [each.value for each in show(SHARE, "survey").subheader]
