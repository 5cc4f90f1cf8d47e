"""A text with the words marked that weigh most in what the present model makes of it.

Owns which are marked and what is said of each.  Must not know pages; a text is never changed, and
nothing in it is taken for more than letters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from al_engine.learning.compiled_texts import Linear, as_linear
from al_engine.learning.learners import pipelines
from al_engine.learning.words import find_terms
from al_engine.loop.state import State
from al_engine.projects.dataset import Dataset
from al_engine.projects.texts import TextMatrix

# Terms of a text at most, and the share of them: more would tell nothing apart.
MARKED, FEWEST_MARKED, SHARE_MARKED = 12, 4, 0.25


@dataclass(frozen=True)
class Mark:
    """Letters of a line that weigh in the model's decision.

    ``weight`` is from -1 to 1, against and for the classifier's label, 1 being the heaviest of the
    text; ``said`` names the term and where it leads.
    """

    line: int
    start: int
    end: int
    weight: float
    said: str


@dataclass(frozen=True)
class Weights:
    """The heaviest terms of a text with their shares of a decision, and whom they speak for.

    ``note`` says why there are none, "" where that goes without saying.
    """

    of: Mapping[str, float] = field(default_factory=dict)
    towards: str = ""
    note: str = ""


def weights_of(dataset: Dataset, state: State | None, row: int) -> Weights:
    """What weighs most in what the present model makes of the text in ``row``.

    In a linear model, and in naive Bayes, a term counts by its weight times its value; of a
    committee's members those count alike.  Of several classes the predicted one is weighed against
    the mean of all.
    """
    X = dataset.X
    if not isinstance(X, TextMatrix) or state is None or state.fit is None or row in state.untold:
        return Weights()
    if state.fit.is_constant:
        return Weights(note="No words are marked: all labels so far are on one side.")
    linear = [found for found in map(as_linear, pipelines(state.fit.learner)) if found is not None]
    seen = dataset.rows(np.array([row], dtype=np.intp))
    shares, towards = _shares(linear, seen), state.config.label_name(state.classifier)
    if any(len(each.weight) > 1 for each in linear):
        towards = "what it predicts"
    n_numbers = len(X.numbers.columns)
    is_word = seen.indices >= n_numbers
    terms, shares = X.vocabulary.terms[seen.indices[is_word] - n_numbers], shares[is_word]
    n = min(MARKED, max(FEWEST_MARKED, round(SHARE_MARKED * len(shares))))
    order = np.argsort(-np.abs(shares), kind="stable")[:n]
    if not len(order) or not shares[order[0]]:
        why = "none of its words is known" if linear else "it does not weigh them one by one"
        return Weights(note=f"No words are marked by this model: {why}.")
    heaviest = abs(float(shares[order[0]]))
    found = {str(terms[i]): float(shares[i]) / heaviest for i in order if shares[i]}
    return Weights(found, towards)


def _shares(linear: Sequence[Linear], seen: csr_matrix) -> npt.NDArray[np.float64]:
    """What each feature that a row has adds to the decision of linear models, taken together."""
    total = np.zeros(seen.nnz)
    for model in linear:
        here = model.weight[:, seen.indices] * seen.data
        if len(here) > 1:
            decision = here.sum(axis=1) + model.intercept
            here = here[[int(decision.argmax())]] - here.mean(axis=0)
        largest = float(np.abs(here[0]).max(initial=0.0))
        total += here[0] / (largest or 1.0)
    return total


def marks(lines: Sequence[str], weights: Mapping[str, float], name: str) -> tuple[Mark, ...]:
    """Where those terms stand in a text's lines; where two overlap they are added up.

    ``name`` is what a weight above 0 speaks for.
    """
    found = []
    for number, line in enumerate(lines):
        spans = list(find_terms(line, weights)) if weights else []
        ends = sorted({end for start, stop, _ in spans for end in (start, stop)})
        for start, end in pairwise(ends):
            terms = [term for first, last, term in spans if first <= start and end <= last]
            weight = sum(weights[term] for term in terms)
            if terms and weight:
                said = "; ".join(
                    f"“{term}” speaks {'for' if weights[term] > 0 else 'against'} {name}"
                    for term in terms
                )
                found.append(Mark(number, start, end, max(-1.0, min(1.0, weight)), said))
    return tuple(found)
