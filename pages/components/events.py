"""What a component of ours sends, handed to the page exactly once.

Every event from the browser carries a ``nonce`` that no other event has.  Knows nothing of
what the events mean.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st


def take(key: str, sent: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """``sent`` the first time it comes for the component ``key``, None ever after."""
    if not sent or sent["nonce"] == last_nonce(key):
        return None
    st.session_state[f"{key}:nonce"] = sent["nonce"]
    return sent


def not_taken(key: str, sent: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of events that may be sent again with later ones, those that come for the first time."""
    last = last_nonce(key) or 0
    new = [each for each in sent if each["nonce"] > last]
    if new:
        st.session_state[f"{key}:nonce"] = new[-1]["nonce"]
    return new


def last_nonce(key: str) -> int | None:
    """The nonce of the event last taken from the component ``key``."""
    nonce: int | None = st.session_state.get(f"{key}:nonce")
    return nonce


def reported(key: str, name: str) -> Mapping[str, Any] | None:
    """What the browser last sent as ``name``; for callbacks, which run before the mount."""
    value: Mapping[str, Any] | None = (st.session_state.get(key) or {}).get(name)
    return value
