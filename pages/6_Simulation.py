"""Simulation: how many labels a strategy would have saved, on objects whose label is known."""

from pages.components.page import page
from pages.components.simulation.view import TITLE, simulation_view

with page(TITLE) as session:
    simulation_view(session)
