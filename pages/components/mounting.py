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
    more : scripts in the folder that its own is joined with
    """
    scripts = [folder / f"{name}.js", *(folder / each for each in more), *_SHARED]
    return st.components.v2.component(
        f"sextant_{name}",
        css=(folder / f"{name}.css").read_text(encoding="utf-8"),
        js="\n".join(path.read_text(encoding="utf-8") for path in scripts),
    )
