"""Pages without a browser: opening one, and what it shows to a person.

Owns how a test reads a page and presses its buttons.
"""

import itertools
import json

from conftest import ROOT
from streamlit.testing.v1 import AppTest

SETTINGS, TRAINING, LABELLING, TEST_SET, EXPLORE, SIMULATION, SHARE = PAGES = (
    "pages/1_Settings.py",
    "pages/2_Training.py",
    "pages/3_Labelling.py",
    "pages/4_Test_set.py",
    "pages/5_Explore.py",
    "pages/6_Simulation.py",
    "pages/7_Share.py",
)
_nonces = itertools.count(1)


def show(page: str, slug: str = "") -> AppTest:
    """Open a page in a tab of its own, by its address."""
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    if slug:
        at.query_params["project"] = slug
    return at.switch_page(page).run() if page else at


def fine(at: AppTest) -> AppTest:
    """The page, which no bug has reached."""
    assert [each.message for each in at.exception] == []
    return at


def read(at: AppTest) -> str:
    """Everything that the page says."""
    kinds = (at.title, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error)
    said = [str(element.value) for kind in kinds for element in kind]
    return "\n".join([*said, *(element.proto.text for element in at.get("progress"))])


def project(at: AppTest) -> str:
    """The project that the address names."""
    found = at.query_params.get("project", "")
    return found if isinstance(found, str) else found[0]


def bar(at: AppTest) -> dict:
    """What the answer bar was given to show."""
    sent = [json.loads(each.proto.json or "{}") for each in at.get("bidi_component")]
    (found,) = [each for each in sent if "question" in each]
    return found


def drawn_maps(at: AppTest) -> list[tuple[dict, bytes]]:
    """What each map was given to show, and its picture."""
    found = []
    for sent in (each.proto.bytes for each in at.get("bidi_component") if each.proto.bytes):
        ends = 4 + int.from_bytes(sent[:4], "little")
        found.append((json.loads(sent[4:ends]), sent[ends:]))
    return found


def pressed(at: AppTest, action: str, label: str | None = None) -> dict:
    """What a button of the answer bar sends."""
    shown = bar(at)
    return {
        "action": action,
        "label": label,
        "object_id": shown["object_id"],
        "token": shown["token"],
        "seconds": 1.5,
        "nonce": next(_nonces),
    }


def click(at: AppTest, key: str) -> AppTest:
    return fine(at.button(key=key).click().run())
