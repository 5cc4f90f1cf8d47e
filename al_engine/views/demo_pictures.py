"""The small pictures on Home's cards: one per demo, on transparent ground.

Takes arrays and gives PNG bytes; must not know where the arrays come from.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from al_engine.errors import SettingsError
from al_engine.views.palette import NEUTRAL, OKABE_ITO, label_colours, rgb

WIDTH_PX, HEIGHT_PX = 320, 180
_OVERSAMPLING = 3  # dots are drawn larger and reduced, which smooths their edges
_ORANGE, _GREY = OKABE_ITO[1], NEUTRAL


def thumbnail(name: str, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Draw the picture of the demo ``name`` as PNG, 320 x 180 pixels.

    ``arrays`` are the arguments of the function that ``PICTURES`` holds for it.  Raises
    SettingsError where it holds none.
    """
    if name not in PICTURES:
        raise SettingsError(
            f"There is no picture of the demo {name!r}.", f"Choose one of: {', '.join(PICTURES)}."
        )
    return PICTURES[name](**arrays)


def scatter_picture(x: NDArray[Any], y: NDArray[Any], group: NDArray[Any]) -> bytes:
    """Draw points (n,) in the colour of their ``group`` (n,), a place in the label colours."""
    width, height = WIDTH_PX * _OVERSAMPLING, HEIGHT_PX * _OVERSAMPLING
    radius = 1.2 * _OVERSAMPLING
    column = _spread(x, radius, width - radius)
    row = _spread(-y, radius, height - radius)
    reach = int(np.ceil(radius))
    step = np.arange(-reach, reach + 1)
    dx, dy = (offset.ravel() for offset in np.meshgrid(step, step))
    inside = dx**2 + dy**2 <= radius**2
    dx, dy = dx[inside], dy[inside]

    colours = np.array([rgb(c) for c in label_colours(int(group.max()) + 1)], dtype=np.uint8)
    pixels = np.zeros((height, width, 4), dtype=np.uint8)
    within = (column >= radius) & (column <= width - radius)
    within &= (row >= radius) & (row <= height - radius)
    # A fixed shuffle, so that no group hides another.
    order = np.random.default_rng(0).permutation(np.flatnonzero(within))
    rows = np.clip(row[order].astype(int)[:, None] + dy, 0, height - 1)
    columns = np.clip(column[order].astype(int)[:, None] + dx, 0, width - 1)
    pixels[rows, columns, :3] = colours[group[order]][:, None]
    pixels[rows, columns, 3] = 255
    return _png(pixels)


def tiles_picture(images: NDArray[Any], wanted: NDArray[np.bool_]) -> bytes:
    """Draw ten square images (10, size, size) of ink, 0 to 1, in two rows of five.

    Those ``wanted`` (10,) stand out in orange from the grey of the others.
    """
    cell_px, gap_px = 54, 8
    top = (HEIGHT_PX - 2 * cell_px - gap_px) // 2
    left = (WIDTH_PX - 5 * cell_px - 4 * gap_px) // 2
    pixels = np.zeros((HEIGHT_PX, WIDTH_PX, 4), dtype=np.uint8)
    for k, image in enumerate(images):
        ink = Image.fromarray(np.rint(255 * image).astype(np.uint8))
        row = top + k // 5 * (cell_px + gap_px)
        column = left + k % 5 * (cell_px + gap_px)
        cell = pixels[row : row + cell_px, column : column + cell_px]
        cell[..., :3] = rgb(_ORANGE if wanted[k] else _GREY)
        cell[..., 3] = np.asarray(ink.resize((cell_px, cell_px), Image.Resampling.NEAREST))
    return _png(pixels)


def texts_picture(
    review: NDArray[Any], pile: NDArray[Any], letters: NDArray[Any], tells: NDArray[Any]
) -> bytes:
    """Draw texts as lines of bars, a word each, in two columns: pile 0 on the left, 1 on the right.

    All are of shape (n_words,).  A word has its length in ``letters``, and the label colour of what
    it ``tells``, grey where that is -1.
    """
    scale = _OVERSAMPLING
    image = Image.new("RGBA", (WIDTH_PX * scale, HEIGHT_PX * scale))
    draw = ImageDraw.Draw(image)
    colours = [*label_colours(2), _GREY]  # the last is that of -1
    margin, bar, letter, space, line, gap = (n * scale for n in (10, 5, 3, 4, 9, 7))
    width = (image.width - 4 * margin) // 2
    for side in range(2):
        left = margin + side * (width + 2 * margin)
        x, y, before = left, margin, -1
        for k in np.flatnonzero(pile == side):
            long = int(letters[k]) * letter
            if review[k] != before:
                x, y, before = left, y + (line + gap) * (before >= 0), review[k]
            elif x + long > left + width:
                x, y = left, y + line
            if y + bar > image.height - margin:
                break
            draw.rounded_rectangle((x, y, x + long, y + bar), bar // 2, colours[tells[k]])
            x += long + space
    return _png(np.asarray(image))


PICTURES: dict[str, Callable[..., bytes]] = {
    "sky_survey": scatter_picture,
    "digits": tiles_picture,
    "reviews": texts_picture,
}


def _spread(values: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Map the bulk of the values onto low to high; the rarest fall outside."""
    first, last = np.percentile(values, [0.5, 99.5])
    return np.asarray(low + (values - first) * (high - low) / (last - first), dtype=np.float64)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    # RGBa weighs colours by their cover, so that edges do not darken when reduced.
    image = Image.fromarray(pixels).convert("RGBa")
    image = image.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BOX).convert("RGBA")
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
