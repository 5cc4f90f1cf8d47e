"""Starting and resuming: demo cards, opening a file, the list of projects."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from al_engine.data.demo import DEMOS, PUBLISHED, PUBLISHED_ON
from al_engine.data.readers import READERS
from al_engine.home import UPLOADS, About, list_projects, read_about
from al_engine.projects.opening import delete_project
from al_engine.public import is_public, limits, refuse_upload
from al_engine.simulating.published import begin_published
from al_engine.starting import begin_import, demo_source, list_tables, start_demo
from al_engine.views.demo_pictures import thumbnail
from pages.components import state
from pages.components.guard import guard
from pages.components.waiting import finished
from pages.components.words import counted, plain

SETTINGS, TRAINING, SHARE = "pages/1_Settings.py", "pages/2_Training.py", "pages/7_Share.py"
SIMULATION = "pages/6_Simulation.py"


def say_to_keep_the_address() -> None:
    """On a public server: the address is the key, and the only one."""
    if is_public():
        st.info(
            "Bookmark this page: the key to your projects is in its address. Whoever has the "
            "address has your projects.",
            icon=":material/bookmark:",
        )


def start_cards() -> None:
    """A card for each demo, and one to open a catalogue."""
    projects = list_projects(state.home())
    for column, name in zip(st.columns(len(DEMOS) + 1), [*DEMOS, None], strict=True):
        # The buttons of demos stand at the foot of their cards, in one line.
        place: Any = "top" if name is None else "distribute"
        with column, st.container(border=True, height="stretch", vertical_alignment=place):
            if name is None:
                _open_catalogue()
            else:
                with guard():
                    _demo_card(name, projects)


def _demo_card(name: str, projects: list[About]) -> None:
    demo = DEMOS[name]
    with st.container():
        st.image(_thumbnail(name), width="stretch")
        st.subheader(demo.title, anchor=False)
        published = " One click to scikit-learn's published run." if name == PUBLISHED_ON else ""
        st.markdown(f"{demo.sentence} Two clicks to your first question.{published}")
    begun = next((p for p in projects if p.source == demo_source(name)), None)
    with st.container(horizontal=True):
        if begun is not None and st.button("Go on", key=f"resume-{name}", type="primary"):
            go(state.home() / begun.slug, TRAINING)
        label = "Start anew" if begun else "Start"
        kind: Any = "secondary" if begun else "primary"
        if st.button(label, key=f"demo-{name}", type=kind):
            with st.spinner("Making the demo, about a second"):
                folder = start_demo(state.home(), name)
            go(folder, SHARE if state.chosen_configuration() else TRAINING)
        if name == PUBLISHED_ON:
            _published_run(projects)


def _published_run(projects: list[About]) -> None:
    """One click to a simulation that others have published, and to what came of it."""
    if not st.button(
        "Published run",
        key="published-run",
        help="scikit-learn's example of active learning: label spreading on 330 of these images, "
        "40 of them labelled, 20 more asked for by entropy, five at a time. It is simulated anew, "
        "which takes some seconds.",
    ):
        return
    begun = next((p for p in projects if p.source == demo_source(PUBLISHED.name)), None)
    if begun is not None:
        go(state.home() / begun.slug, SIMULATION)
    with st.spinner("Making the project, about a second"):
        folder = begin_published(state.home())
    go(folder, SIMULATION)


@st.cache_data(show_spinner=False)
def _thumbnail(name: str) -> bytes:
    return thumbnail(name, DEMOS[name].picture())


def _open_catalogue() -> None:
    st.subheader("Open a catalogue", anchor=False)
    titles = ", ".join(reader.title for reader in READERS.values())
    st.markdown(
        f"{titles}; gzipped or not. Your file is read, never changed. A project that was saved "
        "as one file opens here too."
    )
    if is_public():
        _upload(limits().upload_mb)
        st.caption(f"Up to {limits().rows:,} objects on this public server.")
    else:
        uploaded, on_disk = st.tabs(["Upload", "From this computer's disk"])
        with uploaded:
            _upload(None)
        with on_disk:
            st.text_input(
                "Path of a file, or of a folder of Parquet files",
                key="path",
                placeholder="/data/survey.fits",
                help="A path on the computer that Sextant runs on; Enter opens it.",
                on_change=lambda: state.keep_draft("offered", st.session_state["path"].strip()),
            )
    offered = state.draft("offered")
    if offered:
        with guard():
            _offer(offered)


def _upload(most_mb: int | None) -> None:
    st.file_uploader(
        "A catalogue file",
        key="upload",
        label_visibility="collapsed",
        max_upload_size=most_mb,
        on_change=lambda: state.keep_draft("offered", st.session_state["upload"]),
    )


def _offer(offered: Any) -> None:
    """Import what was chosen, at once; only where it holds several tables ask which."""
    path = Path(offered).expanduser() if isinstance(offered, str) else uploaded(offered)
    parts = None
    with st.spinner("Looking at the file"):
        try:
            parts = list_tables(state.home(), path)
        finally:
            if parts is None:
                # A file that is refused is not tried again by itself.
                state.keep_draft("offered", None)
                forget_upload()
    if len(parts) <= 1:
        state.keep_draft("offered", None)
        _import(path, None)
    described = {part.name: part for part in parts}
    chosen = st.selectbox(
        "Which table of the file",
        list(described),
        format_func=lambda key: describe_part(described[key]),
        key=f"part-{path.name}",
    )
    if st.button("Import", key=f"import-{path.name}", type="primary"):
        state.keep_draft("offered", None)
        _import(path, chosen)


def _import(path: Path, part: str | None) -> None:
    name = _project_name(path.name) + (f" {part}" if part else "")
    state.keep_job("import", begin_import(state.home(), path, part=part, name=name))
    st.rerun()


def describe_part(part: Any) -> str:
    """One of the tables of a file, by its name and size."""
    rows = "" if part.n_rows is None else f", {counted(part.n_rows, 'row')}"
    return f"{part.name}{rows}, {counted(part.n_columns, 'column')}"


def uploaded(file: Any) -> Path:
    """The uploaded bytes as a file under its own name, once for each upload."""
    held = state.upload()
    if held is not None and held[0] == file.file_id:
        return held[1]
    forget_upload()
    refuse_upload(state.home(), file.size)
    # Beside the projects, where there is room for catalogues; the folder for temporary files may
    # be small, or in memory.
    uploads = state.home() / f"{UPLOADS}{os.getpid()}"
    uploads.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=uploads)) / (Path(file.name).name or "upload")
    path.write_bytes(file.getbuffer())
    state.keep_upload((file.file_id, path))
    return path


def forget_upload() -> None:
    """Remove the upload that is on disk, if there is one."""
    held = state.upload()
    if held is not None:
        shutil.rmtree(held[1].parent, ignore_errors=True)
        state.keep_upload(None)


def _project_name(file_name: str) -> str:
    return file_name.split(".")[0] or file_name


def importing() -> None:
    """Show how far the import is, and go on to the settings, or raise what went wrong with it."""
    job = finished("import", "Importing", before="Looking at the file")
    if job is None:
        return
    forget_upload()
    state.drop_drafts()
    folder = job.result()
    go(folder, SHARE if state.chosen_configuration() else _first_page(read_about(folder)))


def _first_page(about: About) -> str:
    """Where a project is gone on with: its training, once there is something to go on with."""
    return TRAINING if about.n_answers or about.is_demo else SETTINGS


def project_list() -> None:
    """The projects there are, last used first."""
    projects = list_projects(state.home())
    st.subheader("Projects", anchor=False)
    if not projects:
        st.caption("None yet. Start a demo or open a catalogue above.")
        return
    wanted = ""
    if len(projects) > 12:
        wanted = st.text_input("Find a project", key="find-project").strip().lower()
    for about in [p for p in projects if wanted in p.name.lower()][:100]:
        _project_row(about)


def _project_row(about: About) -> None:
    name, objects, answers, used, actions = st.columns([4, 2, 2, 3, 3], vertical_alignment="center")
    name.markdown(f"**{plain(about.name)}**")
    objects.caption(counted(about.n_objects, "object"))
    answers.caption(f"{counted(about.n_answers, 'answer')} given")
    used.caption(f"last used {about.last_used.astimezone():%d %b %Y, %H:%M}")
    with actions, st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Open", key=f"open-{about.slug}"):
            folder = state.home() / about.slug
            go(folder, _first_page(about))
        # Keyed, so that an open one closes with its project and never turns to the next.
        with st.popover("Delete", key=f"ask-delete-{about.slug}", on_change="rerun"):
            st.markdown(
                f"Delete **{plain(about.name)}** with its {counted(about.n_answers, 'answer')} "
                "and its models? This cannot be undone. The catalogue file it came from stays."
            )
            if st.button("Delete for good", key=f"delete-{about.slug}", type="primary"):
                delete_project(state.home() / about.slug)
                if state.project_slug() == about.slug:
                    state.forget_project()
                st.rerun()


def go(folder: Path, target: str) -> None:
    """Show a project on a page of it."""
    state.drop_drafts()
    state.choose_project(folder)
    st.switch_page(target, query_params=state.address())
