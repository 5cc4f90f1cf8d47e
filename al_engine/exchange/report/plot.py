"""Curves as inline SVG: shapes and classes alone, so that the page's style colours them.

Told apart by dashes and marks as well as by colour.
"""

import math
from collections.abc import Callable, Sequence

from al_engine.exchange.report.blocks import Plot, PlotRow

WIDTH, HEIGHT = 704, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 34, 40
MARKED = 60  # points; more would cover the line
_NICE = (1, 2, 5)


def as_svg(plot: Plot, escaped: Callable[[str], str]) -> str:
    """The curves of a plot; ``escaped`` makes its texts harmless."""
    xs = [row.x for row in plot.rows]
    x_low, x_high = min(xs), max(max(xs), min(xs) + 1)
    y_low = _lowest(plot.rows)

    def x_at(x: float) -> float:
        return LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def y_at(y: float) -> float:
        return TOP + (1 - y) / (1 - y_low) * (HEIGHT - TOP - BOTTOM)

    lines = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escaped(plot.title)}</title>",
    ]
    for y in _ticks(y_low, 1.0, 5):
        at = f"{y_at(y):.1f}"
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y_at(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    base = HEIGHT - BOTTOM
    for x in _ticks(x_low, x_high, 8):
        if x == int(x):
            at = f"{x_at(x):.1f}"
            lines.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{base}" y2="{base + 4}"/>')
            lines.append(f'<text x="{at}" y="{base + 18}" text-anchor="middle">{int(x):,}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    said = escaped(plot.x_title)
    lines.append(f'<text x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">{said}</text>')
    for run in _runs(plot.rows):
        lines += _curves(run, len(plot.curves), x_at, y_at, is_marked=len(plot.rows) <= MARKED)
    at_x = LEFT
    for i, name in enumerate(plot.curves):
        lines.append(f'<line class="curve c{i}" x1="{at_x}" x2="{at_x + 28}" y1="12" y2="12"/>')
        lines.append(_mark(i, at_x + 14, 12))
        lines.append(f'<text class="legend" x="{at_x + 34}" y="16">{escaped(name)}</text>')
        at_x += 60 + 7 * len(name)
    return "\n".join([*lines, "</svg>"])


def _curves(
    run: Sequence[PlotRow],
    n_curves: int,
    x_at: Callable[[float], float],
    y_at: Callable[[float], float],
    *,
    is_marked: bool,
) -> list[str]:
    """One stretch of all curves, the interval of the first one behind them."""
    lines = []
    held = [(row.x, row.values[0]) for row in run]
    ends = [(x, s.low, s.high) for x, s in held if s and s.low is not None and s.high is not None]
    if len(ends) > 1:
        up = [f"{x_at(x):.1f},{y_at(high):.1f}" for x, _, high in ends]
        down = [f"{x_at(x):.1f},{y_at(low):.1f}" for x, low, _ in reversed(ends)]
        lines.append(f'<polygon class="band f0" points="{" ".join(up + down)}"/>')
    for i in reversed(range(n_curves)):
        points = [
            (x_at(row.x), y_at(found.value))
            for row in run
            if (found := row.values[i]) is not None and found.value is not None
        ]
        if len(points) > 1:
            drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            lines.append(f'<polyline class="curve c{i}" points="{drawn}"/>')
        if is_marked or len(points) == 1:
            lines += [_mark(i, x, y) for x, y in points]
    return lines


def _mark(curve: int, x: float, y: float) -> str:
    """A disc, a square or a diamond."""
    if curve == 0:
        return f'<circle class="f0" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    if curve == 1:
        return f'<rect class="f1" x="{x - 2.6:.1f}" y="{y - 2.6:.1f}" width="5.2" height="5.2"/>'
    corners = (
        f"{x:.1f},{y - 3.4:.1f} {x + 3.4:.1f},{y:.1f} {x:.1f},{y + 3.4:.1f} {x - 3.4:.1f},{y:.1f}"
    )
    return f'<polygon class="f{curve}" points="{corners}"/>'


def _runs(rows: Sequence[PlotRow]) -> list[list[PlotRow]]:
    """Rows between breaks."""
    runs: list[list[PlotRow]] = [[]]
    for row in rows:
        if row.is_break and runs[-1]:
            runs.append([])
        runs[-1].append(row)
    return runs


def _lowest(rows: Sequence[PlotRow]) -> float:
    """Where the axis of shares begins: a tenth below all that is drawn, 0.9 at most."""
    found = [
        value
        for row in rows
        for i, score in enumerate(row.values)
        if score is not None
        for value in ((score.value, score.low) if i == 0 else (score.value,))
        if value is not None
    ]
    return min(0.9, math.floor(10 * min(found, default=0.0) + 1e-9) / 10)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from ``low`` to ``high``, about as many as there is room for.

    >>> _ticks(5, 25, 5), _ticks(0.8, 1.0, 5)
    ([5.0, 10.0, 15.0, 20.0, 25.0], [0.8, 0.85, 0.9, 0.95, 1.0])
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(step for n in (*_NICE, 10) if (high - low) / (step := n * power) <= most + 1e-9)
    first = math.ceil(low / step - 1e-9)
    n = math.floor((high - first * step) / step + 1e-9)
    return [round((first + i) * step, 10) for i in range(n + 1)]
