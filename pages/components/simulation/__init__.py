"""The parts of the Simulation page: what is asked for, how far it is, and what came of it."""
