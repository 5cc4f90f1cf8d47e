"""A long list, some of its lines at a time: which ones, and the way to the others."""

import streamlit as st


def paged(key: str, n: int, at_once: int, thing: str) -> slice:
    """The places in a list of ``n`` that are shown now; the way to others where there are more."""
    n_pages = max(1, -(-n // at_once))
    page = 1
    if n_pages > 1:
        page = int(
            st.number_input(
                f"Page of {n_pages:,}",
                1,
                n_pages,
                1,
                # Named after how many there are: of fewer, the page may be gone.
                key=f"{key}-page-of-{n_pages}",
                help=f"{at_once} {thing}s each; there are {n_pages:,} pages.",
                label_visibility="collapsed",
                width=110,
            )
        )
        st.caption(f"of {n_pages:,}")
    return slice((page - 1) * at_once, min(page * at_once, n))
