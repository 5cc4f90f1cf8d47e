"""The gallery of each project, which all its sessions share, kept in the project's folder.

Owns which one is whose, and that a person's switch is asked before anything is fetched.  Must not
know what is fetched.
"""

import threading
import weakref

from al_engine.projects.project import Project
from al_engine.services.gallery import Gallery

FOLDER = "pictures"

_GALLERIES: "weakref.WeakKeyDictionary[Project, Gallery]" = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def gallery_of(project: Project) -> Gallery:
    """The pictures of a project, kept in its folder."""
    with _LOCK:
        gallery = _GALLERIES.get(project)
        if gallery is None:
            known = weakref.ref(project)

            def may_ask() -> bool:
                there = known()
                return there is not None and not there.is_closed and there.is_online

            gallery = _GALLERIES[project] = Gallery(project.folder / FOLDER, may_ask)
            project.at_close(gallery.close)
        return gallery
