"""Errors of the engine as sentences on the page; anything else is a bug and goes to the log."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from al_engine.errors import AlEngineError, WorkCancelled
from pages.components.words import plain


@contextmanager
def guard() -> Iterator[None]:
    """What is drawn inside may raise AlEngineError; what comes after is drawn all the same."""
    try:
        yield
    except WorkCancelled as cancelled:
        st.info(plain(cancelled), icon=":material/cancel:")
    except AlEngineError as error:
        st.error(f"{plain(error.message)} {plain(error.hint)}".strip(), icon=":material/error:")
