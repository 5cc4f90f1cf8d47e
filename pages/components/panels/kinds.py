"""Which plots can be chosen for a panel, and what each is called.

Knows the registries; draws nothing.
"""

from al_engine.session import LabellingSession
from al_engine.settings.panels import ONCE, Arrangement, Panel
from al_engine.views.diagrams import DIAGRAMS
from al_engine.views.plots import PLOTS
from pages.components import extensions

Choice = tuple[str, str]  # the kind, and what it is of

_TITLES: dict[Choice, str] = {
    ("choose", ""): "Choose plot type",
    ("plot", ""): "Basic plot",
    ("density", ""): "Density",
    ("histogram", ""): "Histogram",
    ("sky", ""): "Sky map",
    ("sed", ""): "SED",
    ("card", ""): "The object",
    ("compare", ""): "To compare with",
    ("question", ""): "The question",
    ("records", ""): "Records",
    ("map", "labels"): "Map: catalogue, by label",
    ("map", "training"): "Map: training set",
    ("map", "validation"): "Map: validation set",
    ("map", "metric"): "Map: metric",
    ("map", "predicted"): "Map: predicted label",
    ("map", "certainty"): "Map: certainty",
    ("scores", ""): "Scores and matrices",
    ("rounds", ""): "Scores by round",
    ("certain", ""): "Least and most certain",
    ("epochs", ""): "Curves by epoch",
    ("calibration", ""): "Calibration and threshold",
}
OF_A_CLASSIFIER = (
    "map", "scores", "rounds", "compare", "question", "certain", "epochs", "calibration",
)  # fmt: skip
ASKS_IN_A_PANEL = "Explore"  # the other pages that ask have the question at their foot


def title(choice: Choice) -> str:
    """What a kind of panel is called."""
    kind, of = choice
    if kind == "diagram" and of in DIAGRAMS:
        return DIAGRAMS[of].title
    if kind == "extension" and of in PLOTS:
        return extensions.offered(PLOTS[of])
    return _TITLES.get(choice, f"{of or kind} (not here)")


def choices(
    session: LabellingSession,
    page: str,
    arrangement: Arrangement,
    present: Panel,
    *,
    has_state: bool,
) -> list[Choice]:
    """The plots that a panel may show, the one it shows first among its like."""
    shown = {(p.kind, p.of) for column in arrangement.columns for p in column}
    columns = session.config.columns
    listed = [
        choice
        for choice in (
            *_TITLES,
            *(("diagram", name) for name in DIAGRAMS),
            *(("extension", name) for name in PLOTS),
        )
        if (has_state or choice[0] not in OF_A_CLASSIFIER)
        and (choice[0] != "question" or page == ASKS_IN_A_PANEL)
        and (choice[0] != "sky" or (columns.ra and columns.dec))
        and (choice[0] not in ONCE or choice not in shown or choice == (present.kind, present.of))
    ]
    held = (present.kind, present.of)
    return listed if held in listed else [held, *listed]
