"""The names that answers are signed by: what can be one, and who is taken for whom."""

import pytest
from conftest import answer
from test_people import together

from al_engine.curating.agreeing import checked_name
from al_engine.data.people import clean_name, fault_of_name
from al_engine.errors import SettingsError
from al_engine.projects.project import Project
from al_engine.session import LabellingSession


@pytest.mark.parametrize("typed", [" Ada  Lovelace ", "Ada\u00a0Lovelace", "Ada \u3000Lovelace"])
def test_a_name_is_kept_with_single_spaces(typed: str) -> None:
    assert clean_name(typed) == "Ada Lovelace"
    assert fault_of_name("Ada Lovelace") == ""


def test_a_name_is_the_same_however_its_letters_are_composed() -> None:
    assert clean_name("Jose\u0301") == clean_name("Jos\u00e9") == "Jos\u00e9"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "\u200b",
        "\u200d",
        "Ada\nBen",
        "Ada\u202e\x07",
        "Ada, Ben",
        "catalogue",
        " Catalogue",
        "\ud800",
        "x" * 61,
    ],
)
def test_what_cannot_be_a_name_is_refused_in_a_sentence(project: Project, typed: str) -> None:
    ada, _ = together(project)
    with pytest.raises(SettingsError) as refused:
        checked_name(ada, typed)
    assert str(refused.value).isprintable()
    assert refused.value.hint


def test_a_name_that_another_has_in_other_letters_is_not_a_second_person(project: Project) -> None:
    ada, ben = together(project)
    answer(ada)
    assert checked_name(ben, " Ada") == "Ada"
    assert checked_name(ben, "Adam") == "Adam"
    for typed in ("ada", "ADA", "A\u200dda", "\uff21\uff44\uff41"):
        with pytest.raises(SettingsError, match="Give 'Ada' if that is you"):
            checked_name(ben, typed)


def test_a_name_stays_as_it_was_first_signed(project: Project) -> None:
    _, ben = together(project)
    decomposed = "Jose\u0301"
    answer(LabellingSession(project, decomposed))
    assert checked_name(ben, "Jos\u00e9") == decomposed
