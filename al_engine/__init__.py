"""Sextant's engine: choosing, asking, learning and scoring, without a user interface."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from al_engine.simulating.arrays import simulate

__all__ = ["simulate"]
__version__ = "0.1.0"  # as in pyproject.toml


def __getattr__(name: str) -> Any:
    # On first use only: reading a table should not have to wait for scikit-learn.
    if name == "simulate":
        from al_engine.simulating.arrays import simulate

        return simulate
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
