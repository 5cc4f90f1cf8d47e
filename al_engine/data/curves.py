"""One-dimensional FITS files: spectra and light curves, as arrays.

Owns which columns or header words hold them, and how a curve is kept apart from its file.  The file
is only read; must not know objects or where files may lie.
"""

import io
import json
import math
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.io import fits

from al_engine.fits_headers import MOST_HDUS, has_long_headers

Floats = npt.NDArray[np.float64]

SUFFIXES = (".fits", ".fit", ".fts")
MAX_BYTES = 50_000_000
MAX_POINTS = 20_000  # more are thinned out: no screen shows them
MOST_READ = 2_000_000  # points of a file; the longest spectra have half a million

_WAVELENGTH = re.compile(r"(wave(length)?|lam(bda)?|wl|wavelength_\w+)", re.I)
_LOG_WAVELENGTH = re.compile(r"(log_?(lam|wave|lambda|wavelength)|loglam)", re.I)
_TIME = re.compile(r"(time|bjd|hjd|jd|mjd|btjd|t)", re.I)
_FLUX = re.compile(r"(flux|pdcsap_flux|sap_flux|flam|f_lambda|spec|counts|rate|mag(nitude)?)", re.I)
_BEST_FLUX = ("pdcsap_flux", "flux")
_ERROR = re.compile(
    r"(flux_?err(or)?|err(or)?|sigma|e_flux|pdcsap_flux_err|mag_?err|rate_?err)", re.I
)


@dataclass(frozen=True)
class Curve:
    """A spectrum over wavelength (angstrom) or a light curve over time; shapes (n,).

    ``error`` is None where the file has none.
    """

    kind: Literal["spectrum", "light curve"]
    x: Floats
    y: Floats
    error: Floats | None
    x_title: str
    y_title: str


def read_curve(source: Path | bytes) -> Curve | str:
    """The first spectrum or light curve of a file, or in a few words why there is none.

    ``source`` is the file, which is not read again while it is as it was, or what would be in it.
    """
    if isinstance(source, bytes):
        return _first_curve(io.BytesIO(source))
    try:
        facts = source.stat()
        if facts.st_size > MAX_BYTES:
            return f"is larger than {MAX_BYTES // 1_000_000} MB"
        return _read(source, facts.st_mtime_ns, facts.st_size)
    except OSError:
        return "cannot be read"


@lru_cache(maxsize=16)
def _read(path: Path, changed_ns: int, n_bytes: int) -> Curve | str:
    with path.open("rb") as file:
        return _first_curve(file)


def _first_curve(file: BinaryIO) -> Curve | str:
    if file.read(6) != b"SIMPLE":  # a packed file could hold anything
        return "is not a FITS file"
    if has_long_headers(file):
        return "has too long a header"
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # An image in compressed tiles, which may hold anything too, stays a table of bytes.
            with fits.open(file, memmap=True, disable_image_compression=True) as opened:
                hdus = islice(opened, MOST_HDUS)
                found = next(filter(None, map(_curve_in, hdus)), None)
    except _TooLongError:
        return f"holds more than {MOST_READ:,} points"
    except Exception:  # whatever a damaged file provokes in astropy
        return "is damaged, or is not a FITS file"
    return found or "holds no spectrum and no light curve that is known"


class _TooLongError(Exception):
    """More points than are read."""


def packed(curve: Curve) -> bytes:
    """A curve as bytes: a line of JSON, then x, y and the error as little-endian reals."""
    arrays = [curve.x, curve.y, *([] if curve.error is None else [curve.error])]
    head = {"kind": curve.kind, "x": curve.x_title, "y": curve.y_title, "arrays": len(arrays)}
    return json.dumps(head).encode() + b"\n" + np.stack(arrays).astype("<f8").tobytes()


def unpacked(kept: bytes) -> Curve:
    """The curve of such bytes; ValueError where they are of something else."""
    line, _, rest = kept.partition(b"\n")
    try:
        head = json.loads(line)
        arrays = np.frombuffer(rest, "<f8").reshape(head["arrays"], -1).astype(np.float64)
        x, y, *error = arrays
        if head["kind"] not in ("spectrum", "light curve") or len(x) < 2:
            raise ValueError("no such curve")
        return Curve(
            head["kind"], x, y, error[0] if error else None, str(head["x"]), str(head["y"])
        )
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise ValueError("These bytes are no curve.") from error


def _curve_in(hdu: Any) -> Curve | None:
    if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
        return _of_table(hdu)
    header = hdu.header
    if header.get("NAXIS", 0) == 1 and header.get("NAXIS1", 0) > 1 and "CRVAL1" in header:
        _refuse_length(header["NAXIS1"])
        return _of_image(hdu)
    return None


def _refuse_length(n_points: int) -> None:
    if n_points > MOST_READ:
        raise _TooLongError


def _of_table(hdu: Any) -> Curve | None:
    # Rows of any length may all be the same bytes, as often as they like.
    names = [each.name for each in hdu.columns if not re.match(r"\d*[PQ]", str(each.format))]
    time = _named(names, _TIME)
    wave, log_wave = _named(names, _WAVELENGTH), _named(names, _LOG_WAVELENGTH)
    best = [name for wanted in _BEST_FLUX for name in names if name.lower() == wanted]
    flux = best[0] if best else _named(names, _FLUX)
    x_name = wave or log_wave or time
    if x_name is None or flux is None:
        return None
    inverse = _named(names, re.compile(r"ivar", re.I))
    error_name = _named(names, _ERROR)
    for name in filter(None, (x_name, flux, inverse, error_name)):
        _refuse_length(hdu.header["NAXIS2"] * math.prod(hdu.columns.dtype[name].shape))
    rows = hdu.data
    x, y = _values(rows[x_name]), _values(rows[flux])
    error = None if error_name is None else _values(rows[error_name])
    if error is None and inverse is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            error = 1 / np.sqrt(_values(rows[inverse]))
    unit = {column.name: column.unit or "" for column in hdu.columns}
    if wave or log_wave:
        x = _values(np.power(10.0, x) if wave is None else x * _angstroms(unit[wave]))
        return _curve("spectrum", x, y, error, "wavelength (angstrom)", _title(flux, unit[flux]))
    return _curve(
        "light curve", x, y, error, _title(x_name, unit[x_name]), _title(flux, unit[flux])
    )


def _of_image(hdu: Any) -> Curve | None:
    header, y = hdu.header, _values(hdu.data)
    step = header.get("CDELT1", header.get("CD1_1"))
    if not step:
        return None
    at = np.arange(1, len(y) + 1) - float(header.get("CRPIX1", 1))
    x = _values(float(header["CRVAL1"]) + at * float(step))
    is_log = header.get("DC-FLAG", 0) == 1 or str(header.get("CTYPE1", "")).endswith("-LOG")
    x = _values(np.power(10.0, x)) if is_log else x * _angstroms(str(header.get("CUNIT1", "")))
    title = _title("flux", str(header.get("BUNIT", "")))
    return _curve("spectrum", x, y, None, "wavelength (angstrom)", title)


def _curve(
    kind: Literal["spectrum", "light curve"],
    x: Floats,
    y: Floats,
    error: Floats | None,
    x_title: str,
    y_title: str,
) -> Curve | None:
    """The points that are there, in order, thinned out where no screen shows them all."""
    if x.shape != y.shape or x.ndim != 1:
        return None
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    rows = rows[np.argsort(x[rows], kind="stable")]
    rows = rows[:: -(-len(rows) // MAX_POINTS) or 1]
    if len(rows) < 2:
        return None
    has_error = error is not None and error.shape == x.shape
    return Curve(kind, x[rows], y[rows], error[rows] if has_error else None, x_title, y_title)  # type: ignore[index]


def _named(names: list[str], wanted: re.Pattern[str]) -> str | None:
    return next((name for name in names if wanted.fullmatch(name)), None)


def _values(values: Any) -> Floats:
    """Numbers in the machine's own order; of one row of vectors that row, as some write spectra."""
    made = np.asarray(values, dtype=np.float64)
    return made[0] if made.ndim == 2 and len(made) == 1 else made


def _angstroms(unit: str) -> float:
    """How many angstrom a unit of wavelength is; 1 where nobody knows."""
    try:
        return float(u.Unit(unit.strip()).to(u.AA))
    except (ValueError, TypeError, u.UnitConversionError):
        return 1.0


def _title(name: str, unit: str) -> str:
    return f"{name.lower()} ({unit})" if unit else name.lower()
