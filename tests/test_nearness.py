"""Objects alike in their features stand together, whatever the features hold."""

import numpy as np
import pytest

from al_engine.data.nearness import CELL, order_by_nearness

N = 16 * CELL


def spread_of_blocks(columns: np.ndarray) -> float:
    """Mean range of a feature within a block of 256 rows, in its own standard deviations."""
    blocks = columns.reshape(len(columns), -1, CELL)
    return float((np.ptp(blocks, axis=2) / columns.std(axis=1)[:, None]).mean())


def test_rows_of_a_block_are_alike() -> None:
    columns = np.random.default_rng(0).normal(size=(3, N)).astype(np.float32)
    order = order_by_nearness(columns)
    assert sorted(order) == list(range(N))
    assert spread_of_blocks(columns[:, order]) < 0.6 * spread_of_blocks(columns)


def test_features_count_alike_whatever_their_units() -> None:
    columns = np.random.default_rng(0).normal(size=(3, N)).astype(np.float32)
    scaled = columns * np.array([1e-6, 1, 1e6], dtype=np.float32)[:, None]
    assert spread_of_blocks(scaled[:, order_by_nearness(scaled)]) == pytest.approx(
        spread_of_blocks(columns[:, order_by_nearness(columns)]), rel=0.05
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strange", [np.nan, 0.0, 3.4e38, -3.4e38])
@pytest.mark.parametrize("share", [0.001, 0.5, 1.0])
def test_strange_values_are_put_in_some_order(strange: float, share: float) -> None:
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(3, N)).astype(np.float32)
    columns[1, rng.random(N) < share] = strange
    columns[2] = 7.0
    order = order_by_nearness(columns)
    assert sorted(order) == list(range(N))
    # What is far out does not take the order from the rest.
    assert np.ptp(columns[0, order].reshape(-1, CELL), axis=1).mean() < np.ptp(columns[0])


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (3, 1), (1, CELL), (1, CELL + 1), (2, 70_001)])
def test_any_number_of_rows_can_be_ordered(shape: tuple[int, int]) -> None:
    columns = np.random.default_rng(2).random(shape).astype(np.float32)
    assert sorted(order_by_nearness(columns)) == list(range(shape[1]))
