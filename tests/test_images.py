"""Only pictures are shown as pictures, made anew from what was sent; all else is a sentence."""

import gzip
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from stand_in import fits_image, jpeg, png

from al_engine.errors import ServiceError
from al_engine.services.images import SIDE_KEPT_PX, checked, media_type, render

AS_SENT = {"stretch": "auto", "percent": 99.5, "is_inverted": False}


def shown(body: bytes, **how) -> np.ndarray:
    """The pixels that a person sees, grey."""
    image = render(checked(body), **{**AS_SENT, **how})
    return np.asarray(Image.open(io.BytesIO(image)).convert("L"), dtype=int)


def saved(image: Image.Image, kind: str, **how) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it is 30,000 pixels wide and high."""

    def chunk(name: bytes, content: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + end

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))


def long_header() -> bytes:
    """A FITS file with a header of a hundred thousand lines, and no more."""
    cards = [b"SIMPLE  =                    T", b"BITPIX  =                    8"]
    cards += [b"NAXIS   =                    0", *[b"COMMENT"] * 100_000, b"END"]
    header = b"".join(card.ljust(80) for card in cards)
    return header.ljust(-(-len(header) // 2880) * 2880)


def in_tiles() -> bytes:
    stream = io.BytesIO()
    packed = fits.CompImageHDU(np.zeros((90, 90), np.float32), compression_type="GZIP_1")
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(stream)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_pictures_of_the_web_are_made_anew(kind: str) -> None:
    marked = saved(Image.new("RGB", (40, 30), (200, 30, 30)), kind) + b"<script>"
    made = checked(marked)
    assert b"<script>" not in made
    assert media_type(made) == "image/png"
    assert Image.open(io.BytesIO(made)).size == (40, 30)


def test_a_large_picture_is_made_smaller() -> None:
    made = checked(saved(Image.new("RGB", (4000, 1000), (9, 99, 9)), "JPEG"))
    assert Image.open(io.BytesIO(made)).size == (SIDE_KEPT_PX, SIDE_KEPT_PX // 4)
    assert media_type(made) == "image/jpeg"


def test_what_is_transparent_lies_on_black() -> None:
    assert shown(saved(Image.new("RGBA", (9, 9), (255, 255, 255, 0)), "PNG")).max() == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b"<html><body>Sorry</body></html>", "web page"),
        (b"\n <!DOCTYPE html>", "web page"),
        (b"just words", "not a picture"),
        (b"%PDF-1.4", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (jpeg()[:300], "damaged"),
        (png((1, 2, 3))[:40], "damaged"),
        (bomb(), "too large"),
        (b"SIMPLE  =                    T" + b" " * 5000, "damaged|no image"),
        (fits_image()[:3000], "damaged"),
        (saved(Image.new("1", (7_000, 7_000)), "PNG"), "7,000 x 7,000 pixels: too large"),
        (gzip.compress(b"\0" * 70_000_000, 1), "too large"),
        (gzip.compress(long_header(), 1), "too long a header"),
        (in_tiles(), "compressed in tiles"),
        (b"\x1f\x8b\x08 not packed", "damaged"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_no_picture_is_a_sentence(body: bytes, said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        checked(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (png((0, 0, 0)), "All black"),
        (png((36, 36, 36)), "Blank"),
        (saved(Image.new("RGB", (64, 64), (3, 2, 4)), "JPEG"), "All black"),
    ],
)
def test_an_empty_picture_of_the_sky_is_a_place_that_is_not_covered(body: bytes, said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        checked(body, may_be_black=False)
    assert checked(body), "of a catalogue it is what it is"


def test_one_bright_pixel_is_enough_for_a_picture() -> None:
    image = Image.new("RGB", (64, 64))
    image.putpixel((10, 10), (200, 200, 200))
    assert checked(saved(image, "PNG"), may_be_black=False)


def test_what_real_services_sent(shared_data: Path) -> None:
    folder = shared_data / "cutouts"
    assert shown((folder / "FIRST_cutout.fits").read_bytes()).shape == (33, 33)
    for name, said in (
        ("SDSS_emptyfile.fits", "holds no image"),
        ("error.html", "web page"),
        ("legacysurvey_blank.jpg", "Blank"),
    ):
        with pytest.raises(ServiceError, match=said):
            checked((folder / name).read_bytes(), may_be_black=False)


# -- FITS ------------------------------------------------------------------------------------------


def test_a_fits_image_has_its_first_row_at_the_bottom() -> None:
    pixels = np.zeros((20, 20), np.float32)
    pixels[2:4, 2:4] = 1  # towards the origin: lower left
    stream = io.BytesIO()
    fits.PrimaryHDU(pixels).writeto(stream)
    seen = shown(stream.getvalue(), percent=100.0)
    assert seen[16:18, 2:4].min() == 255
    assert seen[:10].max() == 0


def test_the_first_plane_of_a_cube_or_of_an_extension_is_shown() -> None:
    cube = np.arange(2 * 5 * 6, dtype=np.float32).reshape(2, 5, 6)
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(cube)]).writeto(stream)
    assert shown(stream.getvalue()).shape == (5, 6)
    assert shown(gzip.compress(stream.getvalue())).shape == (5, 6)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16])
def test_an_image_of_two_thousand_pixels_a_side_is_made_smaller(kind, pack) -> None:
    stream = io.BytesIO()
    fits.PrimaryHDU(np.tile(np.arange(2000), (2000, 1)).astype(kind)).writeto(stream)
    assert shown(pack(stream.getvalue())).shape == (1000, 1000)


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "P", "RGB", "RGBA"])
def test_so_is_a_picture_of_four_thousand_of_any_kind(mode: str) -> None:
    made = Image.new(mode, (4096, 16))
    made.paste(made.getpixel((0, 0)), (0, 0, 9, 9))
    assert shown(saved(made, "PNG")).shape[1] <= SIDE_KEPT_PX


def test_pixels_that_are_missing_are_dark_and_a_picture_of_them_alone_is_blank() -> None:
    pixels = np.full((8, 8), np.nan, np.float32)
    stream = io.BytesIO()
    fits.PrimaryHDU(pixels).writeto(stream)
    with pytest.raises(ServiceError, match="Blank"):
        checked(stream.getvalue())
    pixels[4] = np.arange(8)
    stream = io.BytesIO()
    fits.PrimaryHDU(pixels).writeto(stream)
    assert shown(stream.getvalue())[0].max() == 0


def test_each_stretch_lifts_the_faint_more_than_the_one_before() -> None:
    body = fits_image()
    means = [shown(body, stretch=s, percent=100.0).mean() for s in ("linear", "asinh", "log")]
    assert means == sorted(means)
    assert len(set(means)) == 3
    assert (shown(body) == shown(body, stretch="asinh")).all()


def test_narrower_limits_cut_off_more() -> None:
    whole, cut = (np.count_nonzero(shown(fits_image(), percent=p) == 255) for p in (100.0, 95.0))
    assert whole < cut


@pytest.mark.parametrize("body", [fits_image(), png((10, 80, 200)), jpeg()])
def test_inverted_is_dark_where_it_was_bright(body: bytes) -> None:
    both = shown(body).astype(int) + shown(body, is_inverted=True)
    assert abs(both - 255).mean() < 6


def test_a_stretch_lifts_pictures_that_are_no_fits_as_well() -> None:
    assert shown(png((40, 40, 40)), stretch="log").mean() > shown(png((40, 40, 40))).mean() + 50


def test_what_somebody_changed_on_the_disk_is_a_sentence() -> None:
    for kept in (b"words", checked(fits_image())[:90], checked(png((1, 2, 3)))[:30]):
        with pytest.raises(ServiceError, match="damaged"):
            render(kept, "log", 99.5, is_inverted=True)
