"""Short reviews of telescopes, sky apps and nights out: the demo in which objects are texts.

Owns the file of reviews, which were written for it, and the shape in which they become a
catalogue.  Must not know how a demo is opened, stored or shown.
"""

import csv
import html
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from al_engine.data.table import Column

PATH = Path(__file__).with_name("demo_reviews.csv")
SENTIMENTS = ("negative", "positive")
_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# A word tells where it stands in so many reviews, and so much oftener in those of one sentiment.
_FEWEST, _ONE_SIDED = 6, 0.5


def columns() -> tuple[Column, ...]:
    """Return the columns, in order, with one line on each."""
    return (
        Column("review_id", pa.int64(), "", "number of the review, from 1"),
        Column("sentiment", pa.string(), "", "positive or negative: the judgement on the whole"),
        Column(
            "review", pa.string(), "", "the text as it was typed, with a mark of HTML here or there"
        ),
        Column(
            "subject", pa.string(), "", "what is reviewed, such as telescope, book or star party"
        ),
        Column(
            "price_eur", pa.float32(), "", "what the thing or the ticket costs in euros; 0 is free"
        ),
        Column("n_words", pa.int64(), "", "number of words in the review"),
        Column("letters_per_word", pa.float32(), "", "mean length of its words"),
    )


def review_values() -> dict[str, NDArray[np.generic]]:
    """Return one array of 660 entries per column."""
    with PATH.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    spoken = [words(row["review"]) for row in rows]
    return {
        "review_id": np.array([int(row["review_id"]) for row in rows]),
        **{
            name: np.array([row[name] for row in rows])
            for name in ("sentiment", "review", "subject")
        },
        "price_eur": np.array([float(row["price_eur"]) for row in rows]),
        "n_words": np.array([len(each) for each in spoken]),
        "letters_per_word": np.array([np.mean([len(word) for word in each]) for each in spoken]),
    }


def words(review: str) -> list[str]:
    """The words of a review in order, without what is HTML in it.

    >>> words("Sharp &amp; bright.<br />Don't wait")
    ['Sharp', 'bright', "Don't", 'wait']
    """
    return _WORD.findall(html.unescape(_TAG.sub(" ", review)))


def word_values() -> dict[str, NDArray[np.generic]]:
    """Return what a picture needs of every word of all reviews, in order.

    Returns
    -------
    review : the place of its review among all
    pile : the place of that review's sentiment in SENTIMENTS
    letters : how long the word is
    tells : the place in SENTIMENTS of what the word speaks for; -1 where for neither
    """
    values = review_values()
    spoken = [[word.lower() for word in words(str(review))] for review in values["review"]]
    piles = [SENTIMENTS.index(str(sentiment)) for sentiment in values["sentiment"]]
    negative, positive = Counter[str](), Counter[str]()
    for each, pile in zip(spoken, piles, strict=True):
        (negative, positive)[pile].update(set(each))

    def tells(word: str) -> int:
        n, lead = positive[word] + negative[word], positive[word] - negative[word]
        return int(lead > 0) if n >= _FEWEST and abs(lead) >= _ONE_SIDED * n else -1

    n_words = [len(each) for each in spoken]
    return {
        "review": np.repeat(np.arange(len(spoken)), n_words),
        "pile": np.repeat(piles, n_words),
        "letters": np.array([len(word) for each in spoken for word in each]),
        "tells": np.array([tells(word) for each in spoken for word in each]),
    }
