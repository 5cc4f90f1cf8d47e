"""Taking an answer: it leaves the queue of what was done once the engine has it, or refused it.

Owns that no answer is lost or given twice, whatever page, project or run it falls in.  Must not
know what is asked.
"""

from collections.abc import Callable, Collection
from pathlib import Path

from al_engine.errors import AnswerRefusedError
from al_engine.home import find_project
from al_engine.projects.opening import open_project
from al_engine.session import LabellingSession
from pages.components import state
from pages.components.looking import Looking, Posted

Give = Callable[[LabellingSession, Looking], None]
Say = Callable[[Looking, str], None]


def take_first(queue: list[Posted], asked_on: Collection[str], give: Give, say: Say) -> None:
    """Give the first answer of the queue to the project it was asked for.

    Parameters
    ----------
    asked_on : the titles of the pages that ask such questions
    give : has the engine take it, and notes what follows
    say : notes a refusal where the eye is, in the bar; with no bar drawn, the page's frame says it
    """
    slug = queue[0].event.token.split("|", 1)[0]  # of what was on the screen
    home, at_hand, looking, who = (
        state.home(), state.session_at_hand(), state.looking(), state.name_given(),
    )  # fmt: skip
    is_here = at_hand is not None and at_hand.project.folder.name == slug
    is_seen = is_here and state.page() in asked_on and slug == state.project_slug()
    if not is_here:
        looking = Looking()  # nothing that is on the screen follows from it
    # From here on nothing calls Streamlit, which may break off a run at any of its calls.
    try:
        give(_session_on(home, slug, at_hand, who), looking)
    except AnswerRefusedError as refused:
        if not is_seen:
            raise
        say(looking, str(refused))
    finally:
        queue.pop(0)


def _session_on(
    home: Path, slug: str, at_hand: LabellingSession | None, who: str
) -> LabellingSession:
    """The session on one project: the one at hand, else one for this moment.

    Several people may answer there since the page was drawn: nobody's answer is signed by a guess.
    """
    project = open_project(find_project(home, slug))
    if project.config.people.several and not who:
        raise AnswerRefusedError(
            "Several people answer here by now, and this answer has no name.",
            "Give yours, then answer again.",
        )
    if at_hand is not None and at_hand.project is project:
        return at_hand
    who = who or (at_hand.who if at_hand is not None else state.last_name(project.log.events()))
    return LabellingSession(project, who)
