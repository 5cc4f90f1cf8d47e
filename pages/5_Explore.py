"""Explore: panels of linked plots, records and selections of the whole catalogue."""

from pages.components.classifiers import started_classifiers
from pages.components.exploring import TITLE, explore_view
from pages.components.page import page

with page(TITLE) as session:
    explore_view(session, started_classifiers(session))
