"""Finds a Chromium for the browser tests, and installs one where none is.

As a script it prints the path, or an empty line when there is none; what it does meanwhile goes to
standard error. It knows nothing of the app.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_PATHS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
APT_TIMEOUT_S = 240
PLAYWRIGHT_TIMEOUT_S = 120


def starts(path: str) -> bool:
    """Say whether this browser starts: Ubuntu's chromium-browser may be a stub that does not."""
    return _run([path, "--version"], timeout_s=30)


def installed_chromium() -> str | None:
    """Path of a Chromium that is on this machine already, or None."""
    candidates = [found for name in NAMES if (found := shutil.which(name))]
    candidates += [*MAC_PATHS, *_playwright_path()]
    return next((path for path in candidates if Path(path).exists() and starts(path)), None)


def install_chromium() -> str | None:
    """Install Debian's Chromium as root, else Playwright's own; path, or None if neither came."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        _say("No Chromium is installed; asking apt-get for Debian's.")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if _run(["apt-get", "update", "-qq"], APT_TIMEOUT_S, quiet):
            packages = ["--no-install-recommends", "chromium"]
            _run(["apt-get", "install", "-qq", "-y", *packages], APT_TIMEOUT_S, quiet)
        if found := installed_chromium():
            return found
    _say(f"Asking Playwright for its Chromium, for at most {PLAYWRIGHT_TIMEOUT_S} s.")
    _run([sys.executable, "-m", "playwright", "install", "chromium"], PLAYWRIGHT_TIMEOUT_S)
    return installed_chromium()


def main() -> int:
    """Print the path of a Chromium; a SEXTANT_CHROMIUM that does not start is an error."""
    chosen = os.environ.get("SEXTANT_CHROMIUM")
    if chosen and not starts(chosen):
        _say(f"SEXTANT_CHROMIUM is {chosen!r}, which does not start. Unset it, or name a browser.")
        return 1
    path = chosen or installed_chromium() or install_chromium()
    if path is None:
        _say("No Chromium could be found or installed: the browser tests cannot run.")
    sys.stdout.write(f"{path or ''}\n")
    return 0


def _playwright_path() -> list[str]:
    """Where Playwright keeps its own Chromium, there or not; [] without Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    with sync_playwright() as playwright:
        return [playwright.chromium.executable_path]


def _run(command: list[str], timeout_s: float, env: dict[str, str] | None = None) -> bool:
    """Run a command to its end or the time limit, its output kept off ours; True on success."""
    try:
        done = subprocess.run(
            command, timeout=timeout_s, env=env, stdin=subprocess.DEVNULL, capture_output=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _say(f"{command[0]}: {error}")
        return False
    if done.returncode != 0:
        _say(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.returncode == 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
