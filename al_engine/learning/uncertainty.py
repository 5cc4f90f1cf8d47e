"""Utilities from probabilities: how much each object would teach, higher = ask sooner.

Plain functions of arrays; must not know learners, pools or who asks.
"""

import numpy as np

from al_engine.learning.scoring import FloatArray, consensus


def least_confidence(proba: FloatArray) -> FloatArray:
    """1 - the largest probability of each row.

    >>> least_confidence(np.array([[0.75, 0.25], [0.5, 0.5]]))
    array([0.25, 0.5 ])
    """
    # Two columns are compared many times quicker than rows of two.
    largest = np.maximum(*proba.T) if proba.shape[1] == 2 else proba.max(axis=1)
    return np.asarray(1 - largest)


def smallest_margin(proba: FloatArray) -> FloatArray:
    """1 - (largest - second largest probability) of each row.

    >>> smallest_margin(np.array([[0.75, 0.25], [0.5, 0.5]]))
    array([0.5, 1. ])
    """
    if proba.shape[1] < 2:
        return np.zeros(len(proba))
    if proba.shape[1] == 2:
        return np.asarray(1 - np.abs(proba[:, 0] - proba[:, 1]))
    top = np.partition(proba, -2, axis=1)
    return np.asarray(1 - (top[:, -1] - top[:, -2]))


def entropy(proba: FloatArray) -> FloatArray:
    """Entropy of each row, in nats."""
    # Sorted, so that permuted rows have one and the same rounded sum and count as equal.
    ordered = np.sort(proba, axis=1)
    return np.asarray(0 - _x_log(ordered, ordered).sum(axis=1))


def all_equal(proba: FloatArray) -> FloatArray:
    """Zero for every row: the tie-break alone decides."""
    return np.zeros(len(proba))


def vote_entropy(proba_members: FloatArray) -> FloatArray:
    """Entropy in nats of the members' votes, (n_members, n, n_classes) to (n,)."""
    n_members, _, n_classes = proba_members.shape
    if n_classes == 2:
        # As many entropies as there are numbers of votes, however many rows.
        n_second = (proba_members[:, :, 1] > proba_members[:, :, 0]).sum(axis=0, dtype=np.intp)
        n_votes = np.arange(n_members + 1)
        shares = np.column_stack([n_members - n_votes, n_votes]) / n_members
        return np.asarray(entropy(shares)[n_second])
    votes = proba_members.argmax(axis=2)
    shares = np.stack([(votes == c).sum(axis=0) for c in range(n_classes)], axis=1) / n_members
    return entropy(shares)


def consensus_entropy(proba_members: FloatArray) -> FloatArray:
    """Entropy in nats of the members' mean probability."""
    return entropy(consensus(proba_members))


def max_disagreement(proba_members: FloatArray) -> FloatArray:
    """Largest Kullback-Leibler divergence (nats) of a member from the mean."""
    mean = consensus(proba_members)
    divergences = [
        (_x_log(member, member) - _x_log(member, mean)).sum(axis=1) for member in proba_members
    ]
    return np.asarray(np.max(divergences, axis=0).clip(min=0))


def _x_log(weight: FloatArray, value: FloatArray) -> FloatArray:
    """Weight times log(value), 0 where the weight is 0."""
    return np.asarray(weight * np.log(value, where=weight > 0, out=np.zeros_like(value)))
