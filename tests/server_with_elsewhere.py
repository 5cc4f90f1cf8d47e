"""Streamlit, with one address of this machine taken for a host of the internet.

So that what a host out there answers, a redirect to this machine for one, can be tried without it.
"""

import sys

from streamlit.web.cli import main

from al_engine.services import fetching

ELSEWHERE = "127.0.0.2"

is_global = fetching.is_global

if __name__ == "__main__":
    fetching.is_global = lambda address: address == ELSEWHERE or is_global(address)
    sys.exit(main())
