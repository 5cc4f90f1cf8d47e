"""A person at a running Sextant: what is done in the browser, and how long it is waited for.

Waits are measured inside the page, from the input event until two frames after what was waited
for is in the document.  Owns servers that are started for it, and the look at their processor
time.  Must not know what is measured for which catalogue.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

# Before the folder of a script that is run: the browser.py of the tests is meant.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from browser import (
    App,
    answerable,
    bar,
    chromium,
    go_to,
    map_canvas,
    new_tab,
    settled,
)
from find_chromium import installed_chromium

__all__ = [
    "SOON_MS",
    "TWO_FRAMES",
    "Waits",
    "answerable",
    "answers",
    "chromium",
    "clicks_on_map",
    "go_to",
    "hasty_answers",
    "installed_chromium",
    "open_on",
    "painted",
    "pid_of",
    "served",
    "server_cpu_s",
    "until_idle",
    "zooms",
]

# Seconds to the paint of what was waited for, and "cpu" for the server's work where it was noted.
Waits = dict[str, float]
SOON_MS = 300  # after the paint; before 250 ms the bar takes no answer

# Idle is less than this much processor time in so much time.
IDLE_CPU_S, IDLE_FOR_S = 0.021, 0.4
LOOKAHEAD_BEGUN_S = 0.5  # after a paint

# Resolves window.painted to the seconds from the next event of a kind to the paint of each thing
# wanted.  What stands on the page is looked at once a frame, from the event on.
WATCH = """
({event, why, maps, wanted}) => {
  const card = () => document.querySelector(".st-key-card h3");
  const shown = {
    question: () => [why?.textContent],
    card: () => [card()?.textContent],
    maps: () => maps.map((map) => map.dataset.painted),
  };
  const before = Object.fromEntries(wanted.map((name) => [name, shown[name]()]));
  const isNew = (name) => shown[name]().every((now, i) => now && now !== before[name][i]);
  window.painted = new Promise((resolve, reject) => {
    window.addEventListener(event, ({timeStamp}) => {
      const seconds = {};
      const waiting = new Set(wanted);
      const look = (now) => {
        for (const name of waiting) {
          if (!isNew(name)) continue;
          waiting.delete(name);
          requestAnimationFrame(() => requestAnimationFrame(() => {
            seconds[name] = (performance.now() - timeStamp) / 1000;
            if (Object.keys(seconds).length === wanted.length) resolve(seconds);
          }));
        }
        if (now - timeStamp > 60000) reject(`never painted: ${[...waiting]}`);
        else if (waiting.size) requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, {capture: true, once: true});
  });
}
"""
TWO_FRAMES = """() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""

# -- the server ----------------------------------------------------------------------------------


@contextmanager
def served(browser: Browser, home: Path, **environment: str) -> Iterator[tuple[App, Page]]:
    """A fresh server on a home, and a tab that has not gone anywhere yet."""
    held = dict(os.environ)
    os.environ.update(environment)
    app = App(home, home.parent / "server.log")
    try:
        with new_tab(browser, app) as (page, _):
            yield app, page
    finally:
        app.kill()
        os.environ.clear()
        os.environ.update(held)


def pid_of(app: App) -> int:
    assert app.process is not None, "asked of a server that runs"
    return app.process.pid


def server_cpu_s(app: App) -> float:
    """Processor time of the server so far."""
    fields = Path(f"/proc/{pid_of(app)}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until_idle(app: App, timeout_s: float = 120) -> None:
    """Wait until the server has nothing to do, look-ahead included."""
    time.sleep(LOOKAHEAD_BEGUN_S)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        before = server_cpu_s(app)
        time.sleep(IDLE_FOR_S)
        if server_cpu_s(app) - before < IDLE_CPU_S:
            return
    raise AssertionError(f"the server was not idle within {timeout_s} s")


# -- what a person does, and how long it takes ---------------------------------------------------


def wait_for(page: Page, event: str, wanted: list[str], act: Callable[[], None]) -> Waits:
    """Seconds from the event that ``act`` makes to the paint of "question", "card" or "maps"."""
    asks = bar(page).locator(".why")
    handles = {
        "why": asks.element_handle() if asks.count() else None,
        "maps": page.locator(".map").element_handles(),
    }
    page.evaluate(WATCH, {"event": event, "wanted": wanted, **handles})
    act()
    return dict(page.evaluate("window.painted"))


def wait_and_work(
    app: App, page: Page, event: str, wanted: list[str], act: Callable[[], None]
) -> Waits:
    """The same on an idle server, until it is idle again, with its processor time as "cpu"."""
    before = server_cpu_s(app)
    seconds = wait_for(page, event, wanted, act)
    until_idle(app)
    return {**seconds, "cpu": server_cpu_s(app) - before}


def on_page(page: Page) -> list[str]:
    """What has to be painted after an answer."""
    return [*(["card"] if page.locator(".st-key-card").count() else []), "question", "maps"]


def give_answer(page: Page, truth: Mapping[str, str]) -> None:
    asked = str(bar(page).locator(".why").text_content()).split(" is queried")[0]
    button = bar(page).get_by_role("button", name=truth[asked], exact=True)
    if not button.count():
        # Of many labels only some have a button; the second one's side is the true one.
        button = bar(page).locator(".choice").nth(1)
    button.click()


def answers(app: App, page: Page, truth: Mapping[str, str], n: int) -> list[Waits]:
    """Answer again and again, each time once all that is made ahead is made."""
    answerable(page)
    until_idle(app)
    return [
        wait_and_work(app, page, "click", on_page(page), lambda: give_answer(page, truth))
        for _ in range(n)
    ]


def hasty_answers(app: App, page: Page, truth: Mapping[str, str], n: int) -> list[Waits]:
    """Answer again and again, each time soon after the paint."""
    answerable(page)
    until_idle(app)
    found = []
    for _ in range(n + 1):
        found.append(wait_for(page, "click", on_page(page), lambda: give_answer(page, truth)))
        page.wait_for_timeout(SOON_MS)
    until_idle(app)
    return found[1:]  # before the first one there was time


def clicks_on_map(app: App, page: Page, n: int) -> list[Waits]:
    """Select one object after the other, along the middle of the map."""
    box = map_canvas(page).bounding_box()
    assert box is not None, "there is a map on the page"
    found = []
    for i in range(n):
        x, y = box["x"] + box["width"] * (0.4 + 0.2 * i / n), box["y"] + box["height"] / 2
        found.append(
            wait_and_work(app, page, "click", ["card"], lambda x=x, y=y: page.mouse.click(x, y))
        )
    page.keyboard.press("n")
    settled(page)
    return found


def zooms(app: App, page: Page, n: int) -> list[Waits]:
    map_canvas(page).hover()
    found = [
        wait_and_work(app, page, "wheel", ["maps"], lambda: page.mouse.wheel(0, -200))
        for _ in range(n)
    ]
    page.get_by_role("button", name="Fit: show everything").first.click()
    until_idle(app)
    return found


def painted(page: Page, selector: str) -> None:
    """Wait until something is on the page and painted."""
    expect(page.locator(selector).first).to_be_visible()
    page.evaluate(TWO_FRAMES)


def open_on(app: App, page: Page, name: str, slug: str) -> None:
    app.start()
    page.goto(f"{app.address}/{name}?project={slug}")
    answerable(page)
