"""What people said and noted about an object, and the place to note something."""

from datetime import UTC

import streamlit as st

from al_engine.curating.noting import (
    MAX_TAGS,
    MAX_TEXT,
    Note,
    add_to_note,
    keep_note,
    note_of,
    tags_in_use,
    undo_note,
)
from al_engine.session import LabellingSession
from al_engine.showing.told import Told
from pages.components.guard import guard
from pages.components.page import draw_again
from pages.components.words import plain

ANSWERS_SHOWN, TAGS_SHOWN = 20, 12


def told(answers: tuple[Told, ...]) -> None:
    """Every answer about the object, the oldest first; struck through where taken back."""
    lines = []
    for each in answers[-ANSWERS_SHOWN:]:
        when = each.when.replace(tzinfo=UTC).astimezone()
        sure = f", {each.confidence} of 3 sure" if each.confidence else ""
        who = f"{plain(each.who)}: " if each.who else ""
        said = f"{who}**{plain(each.what)}** in {plain(each.where)}{sure}, {when:%d %b %Y, %H:%M}"
        lines.append(f"- ~~{said}~~ taken back" if each.is_undone else f"- {said}")
    if len(answers) > ANSWERS_SHOWN:
        lines.insert(0, f"The last {ANSWERS_SHOWN} of {len(answers):,} answers:\n")
    if lines:
        st.markdown("\n".join(lines))


def noted(note: Note) -> None:
    """What one person noted about the object."""
    tags = " ".join(f":gray-badge[{plain(tag)}]" for tag in note.tags)
    text = plain(note.text)
    st.markdown(f"{tags} {text}".strip(), help=f"Noted by {plain(note.who)}." if note.who else None)


def note_menu(
    session: LabellingSession, row: int, object_id: str, *, is_untold: bool = False
) -> None:
    """A place to write down a text and tags about the object, and to take that back.

    Where it ``is_untold`` what was said before, more can be noted, and nothing is shown.
    """
    held = note_of(session, row)
    own = Note() if is_untold else held
    keep = add_to_note if is_untold else keep_note
    # Named after what stands in it: another object's never shows this one's.
    key = f"note-{session.project.slug}-{row}-{held.seq}-{is_untold}"
    with (
        st.popover(
            "Note" if own.is_empty else "Noted",
            icon=":material/edit_note:",
            help="Write something down about this object; it never trains."
            + (" What you noted before is kept, and shown once it is answered." * is_untold),
            key=key,
        ),
        guard(),
    ):
        with st.form(f"{key}-form", border=False):
            st.caption(plain(object_id))
            text = st.text_area("Note", own.text, height=90, max_chars=MAX_TEXT, key=f"{key}-text")
            known = plain(", ".join(tags_in_use(session)[:TAGS_SHOWN]))
            # Typed, not chosen: no list lies over the button, and the hands stay on the keys.
            tags = _tags(
                st.text_input(
                    "Tags",
                    ", ".join(own.tags),
                    key=f"{key}-tags",
                    placeholder="blazar, merger",
                )
            )
            # No help beside the field: it would stand between text and tags on the way by Tab.
            st.caption(
                f"Up to {MAX_TAGS}, with commas between them; Enter saves."
                + (f" In use: {known}." if known else "")
            )
            if st.form_submit_button("Save", type="primary"):
                keep(session, row, text, tuple(tags))
                draw_again()
        if own.seq and st.button("Undo the last change", key=f"{key}-undo"):
            undo_note(session, row)
            draw_again()


def _tags(typed: str) -> list[str]:
    """The words between commas, each once.

    >>> _tags("blazar,  merger , ,blazar")
    ['blazar', 'merger']
    """
    return list(dict.fromkeys(filter(None, (" ".join(tag.split()) for tag in typed.split(",")))))
