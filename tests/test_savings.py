"""What a simulation says was saved: what was measured, what is a bound, and what cannot be told."""

from dataclasses import replace

import pytest

from al_engine.showing.simulated import _saved
from al_engine.simulating.savings import (
    Reach,
    area,
    over_seeds,
    said,
    said_of_area,
    saved_over_seeds,
)
from al_engine.simulating.settings import PlannedMember, PlannedModel, SimulationPlan, Target
from al_engine.simulating.summary import _summary

PLAN = SimulationPlan(models=(PlannedModel((PlannedMember("knn"),)),), n_seeds=3)
LEVEL = "labels_to_90"


def curve(strategy, seed, scores, *, is_over=True):
    labels = list(range(10, 10 + 10 * len(scores), 10))
    same = dict.fromkeys(("precision", "recall", "f1"), scores)
    counts = {"false_positives": [0] * len(scores), "false_negatives": [0] * len(scores)}
    return {
        "model": "knn", "strategy": strategy, "seed": seed, "n_labelled": labels,
        "is_over": is_over, "accuracy": scores, **same, **counts,
    }  # fmt: skip


def compared(ours, theirs, plan=PLAN):
    """What margin comes to beside random choice: the scores of each seed, or those of all."""
    ours, theirs = (s if isinstance(s[0], list) else [s] * 3 for s in (ours, theirs))
    n = len(ours)
    full = [{"model": "knn", "seed": s, "n_labelled": 1000, "accuracy": 1.0} for s in range(n)]
    curves = [curve("random", s, theirs[s]) for s in range(n)]
    curves += [curve("margin", s, ours[s]) for s in range(n)]
    return _summary(plan, curves, full, "accuracy")["margin"]


def reaching_at(n, of=8):
    """A curve of so many rounds that gets there with so many labels, and stays."""
    return [0.5] * (n // 10 - 1) + [0.92] * (of - n // 10 + 1)


NEVER = [0.5] * 8


def test_an_interval_over_seeds_is_that_of_student():
    found = over_seeds([1.0, 2.0, 3.0, None])
    assert (found["mean"], found["n"], found["n_without"]) == (2.0, 3, 1)
    assert found["high"] - 2 == pytest.approx(4.3027 / 3**0.5, abs=1e-4)
    assert over_seeds([0.5])["low"] is None
    assert over_seeds([0.9, 1.0], 0, 1)["high"] == 1


def test_labels_count_once_a_score_is_reached_and_held_for_two_more_batches():
    found = compared([0.5, 0.91, 0.8, 0.92, 0.93, 0.94], [0.5] * 6)
    assert found[LEVEL]["by_seed"] == [40] * 3
    assert found["labels_to_95"]["n_without"] == 3


def test_seeds_that_do_not_get_there_make_the_mean_a_bound_and_no_part_of_it():
    found = compared([reaching_at(20), reaching_at(40), NEVER], NEVER)[LEVEL]
    assert (found["mean"], found["n"], found["n_without"]) == (30, 2, 1)
    assert found["at_least"] == (20 + 40 + 80) / 3
    assert compared(reaching_at(20), NEVER)[LEVEL]["at_least"] is None


def test_what_stands_at_the_end_and_was_not_seen_to_hold_may_have_been_reached_there():
    found = compared(reaching_at(70), NEVER)[LEVEL]
    assert (found["n"], found["at_least"]) == (0, 70)


def test_a_saving_is_of_the_same_seed_and_said_to_be_none_where_it_is_none():
    saved = compared(reaching_at(20), reaching_at(40))["over_random"][LEVEL]
    assert (saved["mean"], saved["saves"]) == (20, True)
    assert "saves 20 labels" in said("Margin", "90% of full supervision", saved)
    lost = compared(reaching_at(40), reaching_at(20))["over_random"][LEVEL]
    assert (lost["mean"], lost["saves"]) == (-20, False)
    assert "saves none" in said("Margin", "90% of full supervision", lost)
    neither = compared(NEVER, NEVER)["over_random"][LEVEL]
    assert (neither["mean"], neither["saves"]) == (None, None)
    assert said("Margin", "it", neither).startswith("Neither Margin nor random choice gets to")


def test_where_random_choice_stays_away_the_saving_is_a_bound_beside_what_was_measured():
    saved = compared(reaching_at(20), [reaching_at(60), reaching_at(50), NEVER])["over_random"]
    saved = saved[LEVEL]
    assert saved["by_seed"] == [40, 30, None]
    assert (saved["mean"], saved["n_at_least"]) == (35, 1)
    assert saved["at_least"]["mean"] == pytest.approx((40 + 30 + 60) / 3)
    assert saved["saves"]
    told = said("Margin", "it", saved)
    assert "saves at least 43 labels" in told
    assert "random choice does not get there in 1 of 3 seeds" in told


def test_where_the_strategy_stays_away_nothing_is_saved_whatever_the_others_show():
    saved = compared([reaching_at(20), reaching_at(20), NEVER], reaching_at(30))["over_random"]
    saved = saved[LEVEL]
    assert (saved["mean"], saved["n_at_most"], saved["saves"]) == (10, 1, False)
    assert saved["at_most"]["mean"] == pytest.approx((10 + 10 - 50) / 3)
    assert "does not get to it in 1 of 3 seeds, where random choice does" in said("M", "it", saved)


def test_where_each_stays_away_once_the_whole_cannot_be_told():
    ours = [reaching_at(20), reaching_at(20), NEVER]
    saved = compared(ours, [reaching_at(40), NEVER, reaching_at(40)])["over_random"][LEVEL]
    assert (saved["n"], saved["at_least"], saved["at_most"], saved["saves"]) == (
        1,
        None,
        None,
        None,
    )
    told = said("Margin", "it", saved)
    assert "gets to it in 2 of 3 seeds, random choice in 2" in told
    assert "cannot be told" in told
    assert "Where both get there (1 of 3 seeds), it takes 20 labels fewer." in told


def test_a_short_curve_of_random_choice_is_no_proof_of_a_saving():
    """It ran out of patience at 30 labels: all that is known is that it needs more than that."""
    saved = compared(reaching_at(60), [0.5] * 3)["over_random"][LEVEL]
    assert saved["at_least"]["mean"] == -30
    assert saved["saves"] is False


def test_strategies_that_share_no_seed_yet_are_not_compared():
    plan = replace(PLAN, n_seeds=2)
    curves = [curve("random", 0, NEVER), curve("margin", 1, NEVER)]
    full = [{"model": "knn", "seed": s, "n_labelled": 1000, "accuracy": 1.0} for s in range(2)]
    saved = _summary(plan, curves, full, "accuracy")["margin"]["over_random"]
    assert said("Margin", "it", saved[LEVEL]) == said_of_area("Margin", "f1", saved["aubc"])
    assert "no seed yet" in said("Margin", "it", saved[LEVEL])
    assert _saved(saved[LEVEL]) == "–"


def test_one_seed_proves_no_saving():
    saved = saved_over_seeds([(Reach(20, 20), Reach(60, 60))])
    assert (saved["mean"], saved["saves"]) == (40, None)
    assert "run more to tell" in said("Margin", "it", saved)


def test_areas_are_over_the_labels_that_all_curves_go_through():
    """Margin stopped at its target: over its whole length random choice would look better."""
    late = [0.5, 0.6, 0.7, 0.9, 0.9, 0.9, 0.9, 0.9]
    found = compared([0.6, 0.7, 0.8, 0.9], late)
    assert (found["aubc"]["from"], found["aubc"]["to"]) == (10, 40)
    assert found["aubc"]["mean"] == pytest.approx(
        area([10, 20, 30, 40], [0.6, 0.7, 0.8, 0.9], 10, 40)
    )
    assert found["over_random"]["aubc"]["mean"] == pytest.approx(0.25 / 3)
    assert area(range(10, 90, 10), late, 10, 80) > found["aubc"]["mean"]


def test_a_curve_that_is_under_way_counts_for_nothing():
    full = [{"model": "knn", "seed": s, "n_labelled": 1000, "accuracy": 1.0} for s in range(2)]
    curves = [curve("random", 0, NEVER), curve("margin", 0, reaching_at(20))]
    curves += [curve("random", 1, NEVER), curve("margin", 1, [0.5, 0.5], is_over=False)]
    found = _summary(PLAN, curves, full, "accuracy")
    assert found["margin"][LEVEL]["by_seed"] == [20]
    assert found["random"]["aubc"]["to"] == 80


def test_labels_to_a_target_need_no_full_supervision():
    plan = replace(PLAN, target=Target("accuracy", 0.9))
    curves = [curve(name, s, reaching_at(n)) for name, n in (("random", 50), ("margin", 20))
              for s in range(3)]  # fmt: skip
    found = _summary(plan, curves, [], "accuracy")["margin"]
    assert found["labels_to_target"]["mean"] == 20
    assert found["over_random"]["labels_to_target"]["mean"] == 30
    assert found[LEVEL]["n"] == 0
