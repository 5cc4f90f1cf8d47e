"""Curves as inline SVG: shapes and classes alone, so that the page's style colours them.

Told apart by dashes and marks as well as by colour.
"""

import math
from collections.abc import Callable, Sequence

from al_engine.exchange.report.blocks import Plot, PlotRow

WIDTH, PLOTTED = 704, 226  # px: of the picture, and from the top to the bottom of the axes
LEFT, RIGHT, ABOVE, BOTTOM = 46, 12, 14, 40
LINE, LETTER = 18, 7  # px: of the legend, how high a line is and about how wide a letter
MARKED = 60  # points; more would cover the line
STYLED = 7  # curves with a colour of their own in the style
_NICE = (1, 2, 5)


def as_svg(plot: Plot, escaped: Callable[[str], str]) -> str:
    """The curves of a plot; ``escaped`` makes its texts harmless."""
    xs = [row.x for row in plot.rows]
    x_low, x_high = min(xs), max(max(xs), min(xs) + 1)
    y_low = _lowest(plot)
    legend, top = _legend(plot, escaped)
    base, height = top + PLOTTED, top + PLOTTED + BOTTOM

    def x_at(x: float) -> float:
        return LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def y_at(y: float) -> float:
        return top + (1 - y) / (1 - y_low) * PLOTTED

    lines = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escaped(plot.title)}</title>",
    ]
    for y in _ticks(y_low, 1.0, 5):
        at = f"{y_at(y):.1f}"
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y_at(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in _ticks(x_low, x_high, 8):
        if x == int(x):
            at = f"{x_at(x):.1f}"
            lines.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{base}" y2="{base + 4}"/>')
            lines.append(f'<text x="{at}" y="{base + 18}" text-anchor="middle">{int(x):,}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    said = escaped(plot.x_title)
    lines.append(f'<text x="{middle:.0f}" y="{height - 4}" text-anchor="middle">{said}</text>')
    for i, (_, level) in enumerate(plot.levels):
        if level.value is not None:
            ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{{0}}" y2="{{0}}"'
            at = ends.format(f"{y_at(level.value):.1f}")
            lines.append(f'<line class="level l{i % 2}" {at}/>')
    for run in _runs(plot.rows):
        lines += _curves(run, plot, x_at, y_at)
    return "\n".join([*lines, *legend, "</svg>"])


def _legend(plot: Plot, escaped: Callable[[str], str]) -> tuple[list[str], int]:
    """The names of all that is drawn, in as many lines as they take, and where these end."""
    named = [(_style(i), name) for i, name in enumerate(plot.curves)]
    named += [(f"level l{i % 2}", name) for i, (name, _) in enumerate(plot.levels)]
    lines, at_x, y = [], LEFT, 12
    for i, (style, name) in enumerate(named):
        width = 60 + LETTER * len(name)
        if at_x > LEFT and at_x + width > WIDTH:
            at_x, y = LEFT, y + LINE
        lines.append(f'<line class="{style}" x1="{at_x}" x2="{at_x + 28}" y1="{y}" y2="{y}"/>')
        if i < len(plot.curves):
            lines.append(_mark(i, at_x + 14, y))
        lines.append(f'<text class="legend" x="{at_x + 34}" y="{y + 4}">{escaped(name)}</text>')
        at_x += width
    return lines, y + ABOVE + 8


def _style(curve: int) -> str:
    return f"curve c{curve % STYLED}"


def _curves(
    run: Sequence[PlotRow],
    plot: Plot,
    x_at: Callable[[float], float],
    y_at: Callable[[float], float],
) -> list[str]:
    """One stretch of all curves, the intervals behind them."""
    lines = []
    for i in range(min(plot.n_bands, len(plot.curves))):
        held = [(row.x, row.values[i]) for row in run]
        ends = [
            (x, s.low, s.high) for x, s in held if s and s.low is not None and s.high is not None
        ]
        if len(ends) > 1:
            up = [f"{x_at(x):.1f},{y_at(high):.1f}" for x, _, high in ends]
            down = [f"{x_at(x):.1f},{y_at(low):.1f}" for x, low, _ in reversed(ends)]
            points = " ".join(up + down)
            lines.append(f'<polygon class="band f{i % STYLED}" points="{points}"/>')
    is_marked = len(plot.rows) <= MARKED
    for i in reversed(range(len(plot.curves))):
        places = [
            (x_at(row.x), y_at(found.value))
            for row in run
            if (found := row.values[i]) is not None and found.value is not None
        ]
        if len(places) > 1:
            drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            lines.append(f'<polyline class="{_style(i)}" points="{drawn}"/>')
        if is_marked or len(places) == 1:
            lines += [_mark(i, x, y) for x, y in places]
    return lines


def _mark(curve: int, x: float, y: float) -> str:
    """A disc, a square, a diamond or a triangle."""
    kind = f"f{curve % STYLED}"
    shape = curve % 4
    if shape == 0:
        return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    if shape == 1:
        return (
            f'<rect class="{kind}" x="{x - 2.6:.1f}" y="{y - 2.6:.1f}" width="5.2" height="5.2"/>'
        )
    corners = [(0.0, -3.4), (3.4, 0.0), (0.0, 3.4), (-3.4, 0.0)]
    if shape == 3:
        corners = [(0.0, -3.4), (3.2, 2.4), (-3.2, 2.4)]
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon class="{kind}" points="{points}"/>'


def _runs(rows: Sequence[PlotRow]) -> list[list[PlotRow]]:
    """Rows between breaks."""
    runs: list[list[PlotRow]] = [[]]
    for row in rows:
        if row.is_break and runs[-1]:
            runs.append([])
        runs[-1].append(row)
    return runs


def _lowest(plot: Plot) -> float:
    """Where the axis of shares begins: a tenth below all that is drawn, 0.9 at most."""
    found = [
        value
        for row in plot.rows
        for i, score in enumerate(row.values)
        if score is not None
        for value in ((score.value, score.low) if i < plot.n_bands else (score.value,))
        if value is not None
    ]
    found += [level.value for _, level in plot.levels if level.value is not None]
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
