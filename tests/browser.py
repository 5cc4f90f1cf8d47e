"""A running Sextant and a Chromium before it, for the browser tests.

Owns starting and stopping both, and finding things on a page by what a person sees.  Knows
nothing of the engine.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from find_chromium import installed_chromium
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Frame,
    Locator,
    Page,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60
WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)

# Counts real clicks on the page itself, across reloads of it.
COUNT_CLICKS = """
window.addEventListener("click", (event) => {
  if (event.isTrusted) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true);
"""


# Ends once nothing is computed and nothing has changed on the page for some milliseconds.
APP, STILL_MS = "[data-testid=stApp]", 200
UNTIL_STILL = """
async ([app, still, limit]) => {
  const shown = document.querySelector(app), begun = performance.now();
  let changed = begun;
  const changes = new MutationObserver(() => { changed = performance.now(); });
  changes.observe(shown, { childList: true, subtree: true, attributes: true });
  const isMoving = () =>
    shown.dataset.testScriptState !== "notRunning" || performance.now() - changed < still;
  while (isMoving()) {
    if (performance.now() - begun > limit) throw new Error("the page never stood still");
    await new Promise((done) => setTimeout(done, 20));
  }
  changes.disconnect();
}
"""


# -- the server ----------------------------------------------------------------------------------


@dataclass
class App:
    """A server of its own, on a free port of this machine, with a home of its own.

    ``runs`` is what Python runs: Streamlit, or a script that starts it.
    """

    home: Path
    log: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    runs: tuple[str, ...] = ("-m", "streamlit")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.port or _free_port()
        options = {
            "server.address": "127.0.0.1",
            "server.port": self.port,
            "server.headless": "true",
            "server.fileWatcherType": "none",
        }
        listed = [f"--{name}={value}" for name, value in options.items()]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.runs, "run", "app.py", *listed],
                cwd=ROOT,
                env={**os.environ, "SEXTANT_HOME": str(self.home), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        _until(lambda: self._answers(), START_TIMEOUT_S, f"the server never answered: {self.log}")

    def kill(self) -> None:
        """End it without a word, as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        assert self.process is not None, "asked before it was started"
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-2000:]
        try:
            with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[App]:
    """A server whose home and log lie in a folder, for as long as it is wanted."""
    app = App(folder / "home", folder / "server.log", **options)
    try:
        app.start()
        yield app
    finally:
        app.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


# -- the browser ---------------------------------------------------------------------------------


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of SEXTANT_CHROMIUM, else an installed one; without any the test skips."""
    path = os.environ.get("SEXTANT_CHROMIUM") or installed_chromium()
    if not path:
        said = "no Chromium: install one, or name it in SEXTANT_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@dataclass
class Watched:
    """What went wrong in the browser unseen: errors of its console, requests to elsewhere."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


@contextmanager
def new_tab(browser: Browser, app: App) -> Iterator[tuple[Page, Watched]]:
    """A window with nothing remembered, and what is noted of it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(COUNT_CLICKS)
    page, watched = context.new_page(), Watched()
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("console", lambda said: _note(said, watched))
    page.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith((app.address, "data:", "blob:", "ws://127.0.0.1"))
            else watched.elsewhere.append(asked.url)
        ),
    )
    yield page, watched
    context.close()


def _note(said: ConsoleMessage, watched: Watched) -> None:
    address = str(said.location.get("url", ""))
    # Opened on a page of its own, Streamlit first looks for its server below that page's address.
    probing = re.search(r"/\w+/_stcore/(health|host-config)$", address) is not None
    if said.type == "error" and not probing:
        watched.errors.append(f"{said.text} {address}")


def clicks(page: Page) -> int:
    """How often the person has clicked so far."""
    return int(page.evaluate("Number(sessionStorage.clicks || 0)"))


# -- what is on the page -------------------------------------------------------------------------


def settled(page: Page) -> None:
    """Wait until nothing is being computed, and nothing on the page has changed for a moment.

    A click between two drawings of a page can be lost: what it began on is not what it ends on.
    """
    expect(page.locator(APP)).to_have_attribute("data-test-script-state", "notRunning")
    page.evaluate(UNTIL_STILL, [APP, STILL_MS, WAIT_MS])


def press(target: Locator, **options: Any) -> None:
    """Click on something once the page stands still, as a person does."""
    settled(target.page)
    target.click(**options)


def bar(page: Page) -> Locator:
    """The question with its answer buttons."""
    return page.locator(":is(.st-key-answer-bar, .st-key-question) .bar")


def place_of_bar(page: Page) -> dict[str, float]:
    """Where in the window the question stands."""
    box = bar(page).bounding_box()
    assert box is not None, "there is no question on the page"
    return dict(box)


def answerable(page: Page) -> None:
    """Wait until the question can be answered: on a new machine once the kernels are compiled."""
    expect(bar(page)).to_have_attribute("aria-busy", "false", timeout=3 * WAIT_MS)


def key_of(page: Page, label: str) -> str:
    """The key that stands on a label's button."""
    button = bar(page).get_by_role("button", name=label, exact=True)
    return str(button.get_attribute("aria-keyshortcuts"))


def object_shown(page: Page) -> str:
    """The id of the object on the Labelling page."""
    return page.locator(".st-key-card h3").inner_text().strip()


def n_labels(page: Page) -> int:
    """How many labels the Labelling page says there are."""
    found = re.search(r"([\d,]+) labels", page.locator(".st-key-status").inner_text())
    assert found, "the page does not say how many labels there are"
    return int(found[1].replace(",", ""))


def go_to(page: Page, name: str) -> None:
    """Follow a link of the side bar."""
    side = page.locator("[data-testid=stSidebar]")
    press(side.get_by_role("link", name=name, exact=True))
    expect(page).to_have_title(f"{name} · Sextant")
    settled(page)


def open_by_path(page: Page, source: Path, then: str = "Settings") -> None:
    """From Home to the settings of a file on the server's disk, or to another page of it."""
    press(page.get_by_role("tab", name="From this computer's disk").first)
    path = page.get_by_role("textbox", name="Path of a file")
    path.fill(str(source))
    path.press("Enter")
    expect(page).to_have_title(f"{then} · Sextant")


def set_up_as_guessed(page: Page) -> None:
    """From the settings to the first question, with every guess as it is."""
    for step in range(4):
        press(page.locator(f".st-key-next-{step} button"))
    press(page.get_by_role("button", name="Start training"))
    answerable(page)


def answer(page: Page, label: str, by_key: bool) -> None:
    """Answer what is shown and wait for the next object."""
    answerable(page)
    shown = object_shown(page)
    if by_key:
        page.keyboard.press(key_of(page, label))
    else:
        press(bar(page).get_by_role("button", name=label, exact=True))
    expect(page.locator(".st-key-card h3")).not_to_have_text(shown)
    answerable(page)


def answer_some(page: Page, truth: dict[str, str], n: int) -> None:
    """Give objects their true labels, by key and by mouse in turn."""
    for i in range(n):
        answer(page, truth[object_shown(page)], by_key=i % 2 == 0)


def find(page: Page, object_id: str) -> None:
    """Show an object by its id."""
    press(page.get_by_role("button", name="Find"))
    page.get_by_role("textbox", name="Id").fill(object_id)
    press(page.get_by_role("button", name="Show it"))
    expect(page.locator(".st-key-card h3")).to_have_text(object_id)
    expect(page.locator("[data-testid=stPopoverBody]")).to_have_count(0)  # which takes the keys
    answerable(page)


def download(button: Locator, folder: Path) -> Path:
    """Press on what downloads a file, and keep the file under the name that it has."""
    with button.page.expect_download() as offered:
        press(button)
    path = folder / offered.value.suggested_filename
    offered.value.save_as(path)
    return path


def chart(page: Page, text: str) -> Frame:
    """The frame of the small chart that says so."""
    found: list[Frame] = []

    def look() -> bool:
        page.wait_for_timeout(50)  # lets the browser's messages in
        frames = [f for f in page.frames if f != page.main_frame and not f.is_detached()]
        found[:] = [f for f in frames if f.get_by_text(text).count()]
        return bool(found)

    _until(look, WAIT_MS / 1000, f"no chart says {text!r}")
    return found[0]


def map_canvas(page: Page, number: int = 0) -> Locator:
    return page.locator("canvas.plot").nth(number)


def add_panel(page: Page, column: str, title: str) -> None:
    """Have a panel more, in a column by its number or in a new one."""
    press(page.get_by_role("button", name="Panels"))
    press(page.get_by_role("radio", name=column, exact=True))
    settled(page)
    page.get_by_role("combobox", name="Add").click()
    page.get_by_role("option", name=title, exact=True).click()
    settled(page)
