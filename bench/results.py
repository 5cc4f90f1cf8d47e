"""What the benches measured: timing, lines on the terminal, and one list a day on disk.

Owns bench/results/<date>.json, a list of what, rows, cpu_s, clock_s, plain_cpu_s, ratio and mb,
null where a figure does not apply.  Knows nothing of what is measured.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ("cpu_s", "clock_s", "plain_cpu_s", "ratio", "mb")


class Timed:
    """Processor and clock time of what was done, each time."""

    def __init__(self) -> None:
        self.cpu_s: list[float] = []
        self.clock_s: list[float] = []

    @contextmanager
    def once(self) -> Iterator[None]:
        cpu, clock = time.process_time(), time.perf_counter()
        yield
        self.cpu_s.append(time.process_time() - cpu)
        self.clock_s.append(time.perf_counter() - clock)


def timed(n: int, do: Callable[[], object]) -> Timed:
    times = Timed()
    for _ in range(n):
        with times.once():
            do()
    return times


class Results:
    """The lines of one run, printed as they come."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        heads = "".join(f"{name:>10}" for name in ("cpu s", "clock s", "plain", "ratio", "MB"))
        print(f"{'':<62}{'rows':>12}{heads}")

    def note(
        self,
        what: str,
        rows: int,
        *,
        cpu_s: Iterable[float] = (),
        clock_s: Iterable[float] = (),
        plain_cpu_s: Iterable[float] = (),
        mb: float | None = None,
    ) -> None:
        """Note the medians of what was measured again and again."""
        cpu, clock, plain = (
            median(listed) if (listed := list(seconds)) else None
            for seconds in (cpu_s, clock_s, plain_cpu_s)
        )
        ratio = plain / cpu if plain and cpu else None
        figures = dict(zip(FIGURES, (cpu, clock, plain, ratio, mb), strict=True))
        self.lines.append({"what": what, "rows": rows, **figures})
        shown = "".join(
            f"{'' if figures[name] is None else f'{figures[name]:.{digits}f}':>10}"
            for name, digits in zip(FIGURES, (3, 3, 2, 1, 0), strict=True)
        )
        print(f"{what:<62}{rows:>12,}{shown}", flush=True)

    def keep(self) -> None:
        """Write the lines into the day's file, in place of earlier ones of the same thing."""
        file = ROOT / "bench" / "results" / f"{date.today().isoformat()}.json"
        file.parent.mkdir(exist_ok=True)
        held = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
        lines = {(line["what"], line["rows"]): line for line in [*held, *self.lines]}
        file.write_text(json.dumps(list(lines.values()), indent=1) + "\n", encoding="utf-8")
        print(f"Written to {file.relative_to(ROOT)}.")


def anonymous_mb(pid: int | str = "self") -> float | None:
    """Memory of a process that no file stands behind, in MB; None where the system says nothing.

    Pages of mapped files are not counted: the system takes them back when it needs room.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    (kb,) = (int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))
    return kb / 1024
