"""One label for a whole selection: trained on first, and given as one act.

Which objects get it, and what is refused, stands in ``loop.together``; must not know pages.
"""

from dataclasses import replace

from al_engine.errors import AnswerRefusedError
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.loop.answering import acts_of, refuse_unknown
from al_engine.loop.state import State, seen_by
from al_engine.loop.states import started_config
from al_engine.loop.together import at_once, events_at_once
from al_engine.loop.truth import Rows
from al_engine.session import LabellingSession


def begin_answer_all(
    session: LabellingSession, classifier: str, rows: Rows, label: str, *, token: str
) -> Job[State]:
    """Begin ``answer_all``; cancelled while it trains, nothing was labelled."""

    def work(progress: Progress, cancelled: Cancelled) -> State:
        project, who = session.project, session.who
        config = started_config(project, classifier)
        taken = at_once(project, project.history(classifier, who), rows).rows
        given = events_at_once(project, config, classifier, taken, label, who)
        with project.log.lock:
            events, first = project.events(classifier), project.log.last_seq + 1
        given = [replace(event, seq=first + i) for i, event in enumerate(given)]
        history = project.fold([*events, *given], who)
        session.make_before(classifier, config, history, cancelled)
        return answer_all(session, classifier, rows, label, token=token)

    return Job(work)


def answer_all(
    session: LabellingSession, classifier: str, rows: Rows, label: str, *, token: str
) -> State:
    """Give one label to many objects, as one act; those ``at_once`` leaves out keep theirs.

    Raises
    ------
    AnswerRefusedError : nothing or too much to label, or something was answered meanwhile
    """
    project, who = session.project, session.who
    config = started_config(project, classifier)
    with project.log.lock:
        acts = acts_of(project, classifier, who)
        if acts and acts[-1].seq > seen_by(token):
            raise AnswerRefusedError(
                "Something was answered in another tab meanwhile.", "Look, then label again."
            )
        refuse_unknown(label, session.config.labels_in_use)  # left out meanwhile
        taken = at_once(project, project.history(classifier, who), rows).rows
        project.log.append(*events_at_once(project, config, classifier, taken, label, who))
    return session.follow(classifier)
