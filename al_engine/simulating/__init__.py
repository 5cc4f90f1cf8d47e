"""Simulation: the loop with known labels for answers, over many seeds, beside random choice."""
