"""The one owner of session keys: what a browser tab holds besides widgets.

Everything here is a cache or a choice of view.  Cleared, it is made again from the project and
the address; no answer lives here.
"""

# ruff: noqa: F401 - everything here is reached as ``state.name``
from pages.components.state.at_hand import is_project_open, is_project_there, session_at_hand
from pages.components.state.done import (
    clicks,
    count_click,
    dealing,
    note,
    notice,
    post,
    posted,
)
from pages.components.state.forms import (
    EDITING,
    JOINED,
    choose_configuration,
    chosen_configuration,
    draft,
    drop_drafts,
    export_note,
    forget_unsaved,
    go_back_for_unsaved,
    go_to_step,
    job,
    keep_draft,
    keep_job,
    keep_upload,
    note_edit,
    note_export,
    put_back,
    replay_name,
    step,
    unsaved,
    upload,
)
from pages.components.state.names import give_name, last_name, name_given, was_name_given_here
from pages.components.state.project import (
    PROJECT_IN_ADDRESS,
    address,
    album,
    choose_project,
    comparing,
    curator,
    forget_project,
    home,
    maps,
    match_map,
    overview,
    plotting,
    project_slug,
    session,
    visit,
)
from pages.components.state.view import (
    arrange,
    arrangement,
    aside,
    choose_classifier,
    choose_colours,
    classifier,
    classifier_at_opening,
    colours,
    compares,
    exploring,
    look_aside,
    look_at_round,
    looking,
    open_page,
    open_tab,
    page,
    panels,
    past_round,
    select,
    select_together,
    selected,
    show,
    shown,
    take_layout,
)
