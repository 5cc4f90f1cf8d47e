"""Where what a tab holds stands in Streamlit's session: the one place that writes such a key.

Every key has a prefix of ours, so that none is a widget's.
"""

from typing import Any

import streamlit as st


def get(key: str, default: Any = None) -> Any:
    return st.session_state.get(f"sextant.{key}", default)


def put(key: str, value: Any) -> None:
    st.session_state[f"sextant.{key}"] = value


def drop(*keys: str) -> None:
    for key in keys:
        st.session_state.pop(f"sextant.{key}", None)
