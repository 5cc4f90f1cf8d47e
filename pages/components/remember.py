"""The name that answers are signed with, kept by the browser: asked once, not once a tab.

A cookie, so that it is there before anything is drawn.  Nothing else is kept in a browser.
"""

from urllib.parse import unquote

import streamlit as st

from al_engine.data.people import NAME_CHARS, clean_name, fault_of_name

_NAME = "sextant_name"

# What was written once is not written again: another tab may have changed it since.
_mount = st.components.v2.component(
    "sextant_remember",
    js=f"""let written = "";
export default function ({{ data }}) {{
  if (data === written) return;
  written = data;
  const year = 365 * 24 * 3600;
  document.cookie =
    `{_NAME}=${{encodeURIComponent(data)}}; path=/; max-age=${{year}}; samesite=strict`;
}}""",
)


def remember_name(name: str) -> None:
    """Have the browser keep a name that was given in this tab."""
    _mount(key="remember-name", data=name)


def remembered_name() -> str:
    """The name that the browser came with; "" for none."""
    kept = clean_name(unquote(st.context.cookies.get(_NAME, ""))[:NAME_CHARS])
    # A cookie is anyone's to write: what cannot be a name is none.
    return "" if fault_of_name(kept) else kept
