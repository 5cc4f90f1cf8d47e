"""Words on pages: text from data made harmless, counts and names as a person says them.

Knows nothing of Streamlit but the Markdown it reads.
"""

import re
from typing import Any

# Where addresses are made links of, whether their signs are escaped or not.
_LINKS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
_JOINER = "\u2060"  # is not seen, and breaks no line


def plain(text: Any) -> str:
    """Text from data as itself: no Markdown, no HTML, no link or picture from elsewhere."""
    text = _LINKS.sub(_JOINER, str(text))
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:^&@=])", r"\\\1", text).replace("\n", " ")


def counted(n: int, thing: str) -> str:
    """A number of things in words.

    >>> counted(1, "label"), counted(12000, "label")
    ('1 label', '12,000 labels')
    """
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


def with_article(name: str) -> str:
    """A label as a question calls it; what is in small letters may be any kind of word.

    >>> with_article("QSO"), with_article("Asteroid"), with_article("normal")
    ('a QSO', 'an Asteroid', "'normal'")
    """
    if name[:1].islower():
        return f"'{name}'"
    return f"an {name}" if name[:1].lower() in "aeio" else f"a {name}"
