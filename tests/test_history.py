"""What events amount to, worked out by hand."""

import random
from dataclasses import replace

from al_engine.data.history import LATER_AFTER, TOGETHER, History, Postponed, fold, in_effect
from al_engine.data.labels import Event


def log(*events: Event) -> list[Event]:
    """Number events as the log does."""
    return [replace(event, seq=i) for i, event in enumerate(events, start=1)]


def given(row: int, label: str) -> Event:
    return Event("given", "catalogue", "QSO", row, label=label, how="initial", part="train")


def answer(row: int, label: str, how: str = "query", part: str = "train") -> Event:
    return Event("answer", "Ada", "QSO", row, label=label, how=how, part=part)


def unsure(row: int, how: str = "query") -> Event:
    return Event("unsure", "Ada", "QSO", row, how=how, part="train")


def later(row: int, how: str = "query") -> Event:
    return Event("later", "Ada", "QSO", row, how=how, part="train")


def undo(seq: int, row: int = 0) -> Event:
    return Event("undo", "Ada", "QSO", row, undoes=seq)


def sizes(history: History) -> list[int]:
    return [labelled.n_labelled for labelled in history.sets]


def test_nothing_has_happened_yet() -> None:
    history = fold([])
    assert history == History()
    assert history.asked == set()
    assert history.verified == {}


def test_labels_of_the_catalogue_make_one_round_and_are_not_verified() -> None:
    history = fold(log(given(4, "QSO"), given(2, "STAR"), given(9, "STAR")))
    assert history.trained == {4: "QSO", 2: "STAR", 9: "STAR"}
    assert history.given == {2, 4, 9}
    assert history.verified == {}
    assert sizes(history) == [3]
    assert history.last is None
    assert (history.n_passed, history.n_questions, history.n_by_hand) == (0, 0, 0)


def test_each_answer_that_trains_makes_a_round() -> None:
    history = fold(log(given(4, "QSO"), answer(1, "STAR"), answer(2, "QSO", how="click")))
    assert history.trained == {4: "QSO", 1: "STAR", 2: "QSO"}
    assert sizes(history) == [1, 2, 3]
    assert history.verified == {1: "STAR", 2: "QSO"}
    assert (history.n_passed, history.n_questions, history.n_by_hand) == (2, 1, 2)


def test_a_random_answer_validates_and_never_trains() -> None:
    history = fold(log(answer(1, "STAR"), answer(2, "QSO", "random", "validation")))
    assert history.trained == {1: "STAR"}
    assert history.validated == {2: "QSO"}
    assert sizes(history) == [1]
    again = fold(log(answer(2, "QSO", "random", "validation"), answer(2, "STAR", "click")))
    assert again.validated == {2: "STAR"}, "not even when it is answered again"
    assert again.trained == {}


def test_an_answer_about_validation_or_test_corrects_and_never_trains() -> None:
    history = fold(log(answer(1, "STAR", "click", "validation"), answer(2, "QSO", "click", "test")))
    assert history.corrected == {1: "STAR", 2: "QSO"}
    assert history.verified == {1: "STAR", 2: "QSO"}
    assert (history.trained, history.sets) == ({}, ())


def test_unsure_takes_an_object_away_without_a_round() -> None:
    history = fold(log(answer(1, "STAR"), unsure(5)))
    assert history.unsure == {5}
    assert history.asked == {1, 5}
    assert sizes(history) == [1]
    assert history.n_passed == 2
    assert fold(log(unsure(5), answer(5, "QSO", "click"))).unsure == frozenset()


def test_unsure_about_a_labelled_object_takes_its_label_back() -> None:
    history = fold(log(answer(1, "STAR"), answer(2, "QSO"), unsure(1, "click")))
    assert history.trained == {2: "QSO"}
    assert sizes(history) == [1, 2, 1]


def test_later_comes_back_after_ten_others() -> None:
    events = [answer(100, "STAR"), later(7)]
    history = fold(log(*events))
    assert history.later == {7: Postponed(due=2 + LATER_AFTER, how="query")}
    assert 7 not in history.asked
    for i in range(LATER_AFTER):
        assert fold(log(*events)).n_passed < 12, f"due too soon, after {i}"
        events.append(unsure(200 + i) if i % 2 else answer(200 + i, "QSO"))
    assert fold(log(*events)).n_passed == 12
    assert fold(log(*events, later(7))).later[7].due == 23, "put off again"
    assert fold(log(*events, answer(7, "QSO"))).later == {}


def test_a_random_question_put_off_is_still_a_random_one() -> None:
    history = fold(log(later(7, "random"), answer(7, "QSO", "random", "validation")))
    assert history.validated == {7: "QSO"}
    assert history.n_questions == 2


def test_an_undo_leaves_things_as_they_were() -> None:
    before = [given(4, "QSO"), answer(1, "STAR")]
    for event in (answer(2, "QSO"), unsure(2), later(2), answer(1, "QSO", "click")):
        undone = fold(log(*before, event, undo(3, 2)))
        assert undone == replace(fold(log(*before)), last_seq=4)


def test_undos_in_a_row_go_further_back() -> None:
    events = log(answer(1, "A"), answer(2, "B"), unsure(3), undo(3), undo(2))
    history = fold(events)
    assert history.trained == {1: "A"}
    assert history.unsure == frozenset()
    assert history.last == events[0]
    resumed = fold(log(*events, answer(2, "A"), undo(6)))
    assert resumed.trained == {1: "A"}, "the undo of an answer after undos touches that one only"
    assert fold(log(*events, undo(1))).trained == {}


def test_a_corrected_training_label_counts_once() -> None:
    history = fold(log(given(1, "A"), given(2, "B"), answer(1, "B", "click")))
    assert history.trained == {1: "B", 2: "B"}
    assert history.given == {2}
    assert history.verified == {1: "B"}
    assert sizes(history) == [2, 2]
    assert history.sets[0].key != history.sets[1].key


def test_a_confirmed_catalogue_label_is_verified_and_trains_the_same() -> None:
    history = fold(log(given(1, "A"), answer(1, "A", "click")))
    assert history.verified == {1: "A"}
    assert sizes(history) == [1], "no new round: nothing new was learned"


def test_the_key_of_a_labelled_set_is_of_the_set_and_not_of_its_order() -> None:
    labels = {row: "AB"[row % 2] for row in range(12)}
    keys = set()
    for seed in range(5):
        rows = list(labels)
        random.Random(seed).shuffle(rows)
        keys.add(fold(log(*(answer(row, labels[row]) for row in rows))).sets[-1].key)
    assert len(keys) == 1
    changed = fold(log(*(answer(row, "A") for row in labels))).sets[-1].key
    fewer = fold(log(*(answer(row, labels[row]) for row in range(11)))).sets[-1].key
    assert len({*keys, changed, fewer}) == 3


def test_the_fold_of_a_prefix_is_how_things_stood_then() -> None:
    events = log(
        given(0, "A"), given(1, "B"), answer(2, "A"), later(3), answer(4, "B", "random"),
        unsure(5), answer(3, "A"), answer(0, "B", "click"), answer(6, "B", "click", "test"),
    )  # fmt: skip
    whole = fold(events)
    for labelled in whole.sets:
        prefix = fold([event for event in events if event.seq <= labelled.seq])
        assert prefix.sets[-1] == labelled
        assert len(prefix.trained) == labelled.n_labelled
    assert whole.sets[: len(prefix.sets)] == prefix.sets


def together(row: int, label: str) -> Event:
    return replace(answer(row, label, how="selection"), payload={TOGETHER: "one act"})


def test_labels_of_one_act_make_a_round_without_those_that_test_by_now() -> None:
    act = [together(5, "QSO"), together(6, "QSO"), together(7, "QSO")]
    for tested in (5, 6, 7):
        history = fold(log(*act), {tested: "QSO"})
        rest = [event for event in act if event.row_number != tested]
        assert sizes(history) == [2]
        assert history.sets[0].key == fold(log(*rest)).sets[0].key
        assert sizes(fold(log(given(1, "QSO"), *act), {tested: "QSO"})) == [1, 3]
    history = fold(log(given(1, "QSO"), *act), {5: "QSO", 6: "QSO", 7: "QSO"})
    assert sizes(history) == [1]
    assert history.last is not None
    assert history.last.row_number == 7


def test_events_in_effect_are_those_not_taken_back() -> None:
    events = log(given(0, "A"), answer(1, "B"), undo(2), unsure(1), later(2), undo(5))
    assert [event.seq for event in in_effect(events)] == [1, 4]
