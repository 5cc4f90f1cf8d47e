"""What arrived, as a picture: looked at, taken apart, and put together again before it is shown.

Owns telling pictures from everything else, the sentence for what is none, and the stretch.  Must
not know services or where a picture comes from.
"""

import gzip
import io
import struct
import threading
import warnings
import zlib
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from astropy import visualization as visual
from astropy.io import fits
from PIL import Image, ImageOps

from al_engine.errors import NotThereError, ServiceError
from al_engine.fits_headers import MOST_HDUS, has_long_headers

Stretch = Literal["auto", "linear", "asinh", "log"]
Pixels = npt.NDArray[np.float32]

MOST_PIXELS = 4096 * 4096
SIDE_KEPT_PX = 1024  # no picture of the card is larger on a screen
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")

_BLACK = 8  # of 255: what compression makes of an empty picture
_MOST_UNPACKED = 4 * MOST_PIXELS
_ARRAY = b"\x93NUMPY"  # how pixels that are not bytes are kept
_PROVOKED = (  # what libraries have been seen to raise on damaged files
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
_one_at_a_time = threading.Lock()  # a large picture takes some hundred MB while it is made smaller


def checked(body: bytes, *, may_be_black: bool = True) -> bytes:
    """A picture of ours, up to SIDE_KEPT_PX a side, made of what a file or a server gave.

    PNG, JPEG, GIF and WebP become a JPEG, or a PNG where they are small; the first image of a FITS
    file stays float32, with its first row at the bottom.

    Parameters
    ----------
    may_be_black : is an empty picture one, or a place that the survey does not cover?

    Raises
    ------
    ServiceError : says what it is in place of a picture; NotThereError where nothing is on it
    """
    with _one_at_a_time:
        if body[:2] == b"\x1f\x8b":
            body = _unpacked(body)
        if body[:9] == b"SIMPLE  =":
            return _as_bytes(_fits_pixels(body))
        return _as_seen(_image(body), may_be_black)


def render(
    kept: bytes,
    stretch: Stretch,
    percent: float,
    *,
    is_inverted: bool,
    side_px: int = SIDE_KEPT_PX,
) -> bytes:
    """The bytes of a PNG or a JPEG, of a picture that was checked; no side is longer than asked.

    Parameters
    ----------
    stretch : "auto" leaves a picture as it was sent, and shows FITS by asinh
    percent : for FITS, the share of its pixels (%) that are not cut off, the same at both ends

    Raises
    ------
    ServiceError : it is damaged
    """
    try:
        return _rendered(kept, stretch, percent, is_inverted, side_px)
    except _PROVOKED as error:
        raise ServiceError("It is damaged.") from error


def _rendered(
    kept: bytes, stretch: Stretch, percent: float, is_inverted: bool, side_px: int
) -> bytes:
    if kept[:6] != _ARRAY:
        opened = Image.open(io.BytesIO(kept), formats=FORMATS)
        is_small = max(opened.size) <= side_px
        if is_small and stretch in ("auto", "linear") and not is_inverted:
            return kept
        image = opened.convert("RGB")
        image.thumbnail((side_px, side_px))
        return _encoded(_point(image, stretch, is_inverted))
    pixels: Pixels = np.load(io.BytesIO(kept), allow_pickle=False)
    interval = visual.PercentileInterval(percent) if percent < 100 else visual.MinMaxInterval()
    finite = pixels[np.isfinite(pixels)]
    scaled = np.clip(interval(pixels, clip=False), 0, 1) if finite.size else np.zeros_like(pixels)
    shown = _curve(stretch if stretch != "auto" else "asinh")(scaled)
    grey = np.rint(255 * np.nan_to_num(shown, nan=0.0)).astype(np.uint8)
    image = Image.fromarray(np.flipud(grey))
    image.thumbnail((side_px, side_px))
    return _encoded(ImageOps.invert(image) if is_inverted else image)


def grey_picture(pixels: npt.NDArray[np.uint8]) -> bytes:
    """The bytes of a PNG of grey pixels, shape (height, width), the first row on top."""
    return _encoded(Image.fromarray(pixels))


def media_type(image: bytes) -> str:
    """What a browser calls an encoded picture of ours."""
    return "image/png" if image[:4] == b"\x89PNG" else "image/jpeg"


def _image(body: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(body), formats=FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise ServiceError(
                    f"It would be {image.width:,} x {image.height:,} pixels: too large."
                )
            image.draft("RGB", (2 * SIDE_KEPT_PX, 2 * SIDE_KEPT_PX))
            image.load()
    except _PROVOKED as error:
        if isinstance(error, Image.DecompressionBombError):
            raise ServiceError("It would take too much memory: too large.") from error
        raise ServiceError(_instead(body)) from error
    return image


def _instead(body: bytes) -> str:
    """What a body is that is no picture."""
    start = body[:400].lstrip().lower()
    if not body:
        return "It is empty."
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<pre")):
        return "It is a web page, not a picture."
    if any(start.startswith(s) for s in (b"\x89png", b"\xff\xd8\xff", b"gif8", b"riff")):
        return "It is damaged."
    return "It is not a picture."


def _as_seen(image: Image.Image, may_be_black: bool) -> bytes:
    """The picture on black ground, made smaller where it is too large, as bytes of our own."""
    try:
        small = image.width * image.height <= 256 * 256
        if image.mode.startswith(("I", "F")):
            return _as_bytes(np.flipud(_smaller(np.asarray(image))))
        if image.mode in ("LA", "P", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
        elif image.mode not in ("L", "RGB", "RGBA"):
            image = image.convert("RGB")
        image.thumbnail((SIDE_KEPT_PX, SIDE_KEPT_PX))
        if image.mode == "RGBA":
            ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
            image = Image.alpha_composite(ground, image)
        image = image.convert("RGB")
    except _PROVOKED as error:
        raise ServiceError("It is damaged.") from error
    if not may_be_black:
        lows, highs = zip(*_extrema(image), strict=True)
        if max(highs) <= _BLACK:
            raise NotThereError("All black: the survey does not cover it.")
        if lows == highs:
            raise NotThereError("Blank: the survey does not cover it.")
    return _encoded(image, as_png=small)


def _extrema(image: Image.Image) -> list[tuple[int, int]]:
    found: Any = image.getextrema()
    return [(int(low), int(high)) for low, high in found]


def _encoded(image: Image.Image, *, as_png: bool = False) -> bytes:
    stream = io.BytesIO()
    if as_png or image.mode == "L":
        image.save(stream, "PNG", compress_level=1)
    else:
        image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _as_bytes(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    np.save(stream, pixels, allow_pickle=False)
    return stream.getvalue()


def _smaller(pixels: npt.NDArray[Any]) -> Pixels:
    """Pixels of any kind, with some left out where there are more than are kept."""
    step = -(-max(pixels.shape) // SIDE_KEPT_PX)
    return pixels[::step, ::step].astype(np.float32)


# -- FITS ------------------------------------------------------------------------------------------


def _unpacked(body: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            found = packed.read(_MOST_UNPACKED + 1)
    except _PROVOKED as error:
        raise ServiceError("It is damaged.") from error
    if len(found) > _MOST_UNPACKED:
        raise ServiceError("It would take too much memory: too large.")
    return found


def _fits_pixels(body: bytes) -> Pixels:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _first_image(body)
    except _PROVOKED as error:
        raise ServiceError("The FITS file is damaged.") from error


def _first_image(body: bytes) -> Pixels:
    """The first two-dimensional plane in the file, made smaller by leaving pixels out."""
    if has_long_headers(io.BytesIO(body)):
        raise ServiceError("The FITS file has too long a header.")
    # Tiles of a few bytes unpack to as much as they like, which nobody can tell beforehand.
    as_it_is = {"memmap": False, "lazy_load_hdus": True, "disable_image_compression": True}
    with fits.open(io.BytesIO(body), **as_it_is) as file:
        for i in range(MOST_HDUS):
            try:
                hdu = file[i]
            except IndexError:
                break
            if hdu.header.get("ZIMAGE"):
                raise ServiceError("The FITS file is compressed in tiles: unpack it with funpack.")
            shape = tuple(getattr(hdu, "shape", ()) or ())
            if not getattr(hdu, "is_image", False) or len(shape) < 2 or 0 in shape:
                continue
            if int(np.prod([int(n) for n in shape], dtype=object)) > MOST_PIXELS:
                raise ServiceError(f"It has {' x '.join(map(str, shape))} pixels: too large.")
            pixels = np.asarray(hdu.data)
            while pixels.ndim > 2:
                pixels = pixels[0]
            found = _smaller(pixels)
            if not np.isfinite(found).any():
                raise NotThereError("Blank: the survey does not cover it.")
            return found
    raise ServiceError("The FITS file holds no image.")


# -- the stretch -----------------------------------------------------------------------------------


def _curve(stretch: Stretch) -> Any:
    """A function from 0 to 1 onto 0 to 1."""
    if stretch == "asinh":
        return visual.AsinhStretch(0.1)
    return visual.LogStretch(1000.0) if stretch == "log" else visual.LinearStretch()


def _point(image: Image.Image, stretch: Stretch, is_inverted: bool) -> Image.Image:
    levels = np.linspace(0, 1, 256)
    if stretch in ("asinh", "log"):
        levels = _curve(stretch)(levels)
    table = np.rint(255 * (1 - levels if is_inverted else levels)).astype(int).tolist()
    return image.point(table * 3)
