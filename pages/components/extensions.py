"""A user's own extensions on pages: loaded once, listed at home, marked where they are offered."""

from typing import Any

import streamlit as st

from al_engine.extensions.loading import Loaded, load_extensions
from al_engine.home import home_folder
from al_engine.public import is_public
from pages.components.words import counted, plain

_KINDS = {
    "model": "Models",
    "query strategy": "Query strategies",
    "operation": "Operations on features",
    "plot": "Plots",
}


def loaded() -> Loaded:
    """What the folder of extensions came to; its files are run when this is asked first."""
    return load_extensions(home_folder())


def listed() -> None:
    """What extensions offer; nothing where there are none."""
    found = loaded()
    if not found.n_files or is_public():
        return
    st.subheader("Your extensions", anchor=False)
    if not found.is_on:
        files = counted(found.n_files, "file")
        st.caption(
            f"{files} in the folder extensions of Sextant's home, not run: an extension has all "
            "rights of the server. Start it with `SEXTANT_EXTENSIONS=1` to have them."
        )
        return
    for kind, title in _KINDS.items():
        brought = [entry for entry in found.entries if entry.kind == kind]
        listed = [f"{plain(entry.title)} ({plain(entry.origin.file)})" for entry in brought]
        if listed:
            st.caption(f"**{title}:** {', '.join(listed)}")


def warn() -> None:
    """Each file that was left out, where nobody passes it by."""
    for fault in loaded().faults:
        st.warning(f"**Left out:** {plain(fault)}", icon=":material/extension_off:")


def faults(*kinds: str) -> None:
    """The files that were left out and would have offered something of these kinds, or nothing."""
    for fault in loaded().faults:
        if not fault.kinds or fault.kinds & {*kinds}:
            st.caption(f":material/extension_off: **Left out:** {plain(fault)}")


def offered(entry: Any) -> str:
    """The title of something registered, marked where it is the user's own."""
    return f"{entry.title} (yours)" if entry.origin is not None else str(entry.title)
