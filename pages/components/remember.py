"""The name that answers are signed with, kept by the browser: asked once, not once a tab.

A cookie, so that it is there before anything is drawn.  Nothing else is kept in a browser.
"""

import unicodedata
from urllib.parse import unquote

import streamlit as st

_NAME = "sextant_name"
MAX_CHARS = 60

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
    kept = unquote(st.context.cookies.get(_NAME, ""))
    # A cookie is anyone's to write: what cannot be a name is none.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in kept):
        return ""
    return kept[:MAX_CHARS].strip()
