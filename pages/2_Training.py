"""Training: a tab for each classifier, its set-up, maps, scores and question; and one for all."""

import streamlit as st

from pages.components import overview, state, training
from pages.components.page import link, page
from pages.components.words import plain

with page("Training") as session:
    labels = session.config.train_labels
    if not labels or not session.config.features.columns:
        st.title("Training")
        st.info("Choose features and at least one label to train for first.")
        link("pages/1_Settings.py", "Go to Settings", icon=":material/tune:")
        st.stop()
    names = [plain(session.config.label_name(label)) for label in labels]
    key = f"classifier-{session.project.slug}"
    tabs = st.tabs(
        [*names, overview.TITLE] if len(names) > 1 else names,
        # The same for as long as the page is open: another default would make other tabs.
        default=names[labels.index(state.classifier_at_opening(labels))],
        on_change="rerun",
        key=key,
    )
    for label, tab in zip(labels, tabs, strict=False):
        with tab:
            if tab.open:
                state.choose_classifier(label)
                training.draw(session, label)
    if len(names) > 1 and tabs[-1].open:
        with tabs[-1]:
            overview.draw(session, key, dict(zip(labels, names, strict=True)))
