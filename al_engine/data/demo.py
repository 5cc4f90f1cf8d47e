"""The demos that Home offers: each opens as a table and brings good settings.

Owns the registry.  Must not know DuckDB or Streamlit, nor how a project is made of a demo.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from al_engine.data import demo_digits, demo_reviews, demo_survey
from al_engine.data.table import Column, Table
from al_engine.settings.panels import Arrangement, Panel

BATCH_ROWS = 4096


@dataclass(frozen=True)
class Demo:
    """A data set that needs no file.

    ``settings`` holds column names under ``id``, ``label``, ``ra``, ``dec``, ``info``, ``texts``
    (learned from, and read), ``features`` (the base ones), ``x_axis``, ``y_axis`` (made ones too)
    and ``pixels``; ``unknown`` label values; ``label_names`` by label value; ``labels_to_train``;
    ``combinations`` as pairs of operation and number; ``image_shape`` as rows and columns, None
    without images; and ``pictures``, whether image services are asked.  Label values are text, as
    everywhere.
    ``panels`` are the arrangements of pages that begin otherwise than every project's;
    ``picture`` gives the arrays of which the demo's thumbnail is drawn.
    """

    name: str
    title: str
    sentence: str
    open: Callable[[], Table]
    settings: Mapping[str, Any]
    picture: Callable[[], dict[str, NDArray[np.generic]]]
    panels: Mapping[str, Arrangement] = field(default_factory=dict)


def _table(
    name: str,
    columns: tuple[Column, ...],
    values: Mapping[str, NDArray[np.generic]],
    notes: tuple[str, ...],
) -> Table:
    """Hand over arrays as a table; NaN becomes NULL."""
    schema = pa.schema([pa.field(column.name, column.type) for column in columns])
    arrays = [
        pa.array(values[column.name], type=column.type, from_pandas=True) for column in columns
    ]
    whole = pa.table(arrays, schema=schema)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from whole.to_batches(max_chunksize=BATCH_ROWS)

    return Table(name, columns, batches, n_rows=whole.num_rows, notes=notes)


def _open_survey() -> Table:
    notes = (
        "This survey is simulated: no object in it exists, and there are no pictures of them.",
        "Magnitudes are AB, the infrared ones too; a missing one was not detected.",
    )
    values, _ = demo_survey.simulate_survey()
    return _table("sky_survey", demo_survey.columns(), values, notes)


def _survey_picture() -> dict[str, NDArray[np.generic]]:
    """Colours of a few thousand objects and the place of their class in the label names."""
    values, _ = demo_survey.simulate_survey(n=6000)
    known = (values["class"] != "Unknown") & ~np.isnan(values["u"])
    u, g, r = (values[band][known].astype(np.float64) for band in "ugr")
    return {
        "x": u - g,
        "y": g - r,
        "group": np.searchsorted(sorted(_SURVEY_LABELS), values["class"][known].astype(str)),
    }


def _open_digits() -> Table:
    return _table("digits", demo_digits.columns(), demo_digits.digit_values(), _DIGITS_NOTES)


def _open_published_digits() -> Table:
    values = demo_digits.published_values()
    return _table("published_digits", demo_digits.columns(), values, _DIGITS_NOTES)


def _digits_picture() -> dict[str, NDArray[np.generic]]:
    """Ten images, of 0 to 9, and which of them the first classifier looks for."""
    values = demo_digits.digit_values()
    first = [int(np.argmax(values["digit"] == digit)) for digit in range(10)]
    pixels = np.column_stack([values[name][first] for name in demo_digits.PIXELS])
    return {
        "images": pixels.reshape(10, *demo_digits.IMAGE_SHAPE) / 16,
        "wanted": np.arange(10) == int(_DIGIT_TO_TRAIN),
    }


def _open_reviews() -> Table:
    notes = ("The reviews were written for this demo: no product or place in them exists.",)
    return _table("reviews", demo_reviews.columns(), demo_reviews.review_values(), notes)


_DIGITS_NOTES = (
    "scikit-learn's copy of the UCI test set of handwritten digits (Alpaydin, Kaynak).",
)
# What the model is least and most certain of, as pictures, beside each question.
_DIGITS_PANELS = Arrangement(((Panel("card"),), (Panel("certain"), Panel("map", "labels"))), (3, 3))
_SURVEY_LABELS = {"GALAXY": "Galaxy", "QSO": "Quasar", "STAR": "Star"}
# Learnt within some forty answers, unlike 0 or 6, which take ten, and 8, which takes many.
_DIGIT_TO_TRAIN = "3"

DEMOS: dict[str, Demo] = {
    demo.name: demo
    for demo in (
        Demo(
            name="sky_survey",
            title="Sky survey, simulated",
            sentence="Find the quasars among 20,000 simulated stars, galaxies and quasars, "
            "measured from the ultraviolet to the mid-infrared.",
            open=_open_survey,
            picture=_survey_picture,
            settings=MappingProxyType(
                {
                    "id": "object_id",
                    "label": "class",
                    "label_names": _SURVEY_LABELS,
                    "unknown": ("Unknown",),
                    "ra": "ra",
                    "dec": "dec",
                    "features": ("u", "g", "r", "i", "z"),
                    "combinations": (("subtract", 2),),
                    "labels_to_train": ("QSO",),
                    "x_axis": "u-g",
                    "y_axis": "g-r",
                    "info": ("redshift", "log_lx", *demo_survey.LINES),
                    "texts": (),
                    "pixels": (),
                    "image_shape": None,
                    "pictures": False,
                }
            ),
        ),
        Demo(
            name="digits",
            title="Handwritten digits",
            sentence="Find the threes among 1,797 small images of handwritten digits.",
            open=_open_digits,
            picture=_digits_picture,
            panels=MappingProxyType({"Labelling": _DIGITS_PANELS}),
            settings=MappingProxyType(
                {
                    "id": "image_id",
                    "label": "digit",
                    "label_names": {str(digit): str(digit) for digit in range(10)},
                    "unknown": (),
                    "ra": None,
                    "dec": None,
                    "features": demo_digits.PIXELS,
                    "combinations": (),
                    "labels_to_train": (_DIGIT_TO_TRAIN,),
                    "x_axis": "pca_1",
                    "y_axis": "pca_2",
                    "info": (),
                    "texts": (),
                    "pixels": demo_digits.PIXELS,
                    "image_shape": demo_digits.IMAGE_SHAPE,
                    "pictures": False,
                }
            ),
        ),
        Demo(
            name="reviews",
            title="Reviews of stargazing",
            sentence="Find the positive ones among 660 short reviews, written for this demo, of "
            "telescopes, sky apps and nights under the stars.",
            open=_open_reviews,
            picture=demo_reviews.word_values,
            settings=MappingProxyType(
                {
                    "id": "review_id",
                    "label": "sentiment",
                    "label_names": {"negative": "negative", "positive": "positive"},
                    "unknown": (),
                    "ra": None,
                    "dec": None,
                    "features": (),
                    "combinations": (),
                    "labels_to_train": ("positive",),
                    "x_axis": "text 1",
                    "y_axis": "text 2",
                    "info": ("subject", "price_eur", "n_words", "letters_per_word"),
                    "texts": ("review",),
                    "pixels": (),
                    "image_shape": None,
                    "pictures": False,
                }
            ),
        ),
    )
}

# The digits of a published run, as it had them: no card of their own, but a click on that of all.
PUBLISHED_ON = "digits"
PUBLISHED = replace(
    DEMOS[PUBLISHED_ON],
    name="published_digits",
    title="Digits, the published run",
    sentence="The 330 images of scikit-learn's example of active learning, in its order.",
    open=_open_published_digits,
)
