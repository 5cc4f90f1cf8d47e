"""Components of our own, made of their script, its style and what all of them share.

Owns which files a component is joined from; must not know what one shows.
"""

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_SHARED = tuple(_HERE / name for name in ("mounting.js", "leaving.js"))


def component(name: str, folder: Path, *more: str) -> Any:
    """Register the component ``name`` of the files in a folder that are called so.

    Parameters
    ----------
    more : scripts and styles in the folder that its own are joined with
    """
    named = [folder / each for each in (f"{name}.js", f"{name}.css", *more)]

    def joined(suffix: str) -> str:
        files = [path for path in (*named, *_SHARED) if path.suffix == suffix]
        return "\n".join(path.read_text(encoding="utf-8") for path in files)

    return st.components.v2.component(f"sextant_{name}", css=joined(".css"), js=joined(".js"))
