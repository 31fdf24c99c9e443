"""How words of a search become stems, and which passage shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.search_words import PASSAGE, folded, passage, stem, stems, tsquery


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("základy", "základových"),
        ("betonu", "betonové"),
        ("zdivo", "zdiva"),
        ("desek", "desek"),
        ("Wände", "Wänden"),
        ("walls", "wall"),
        ("FLOORING", "floored"),
        ("výztuž", "VÝZTUŽE"),
        ("c25", "C25/30"),
    ],
)
def test_a_stem_begins_other_forms_of_its_word(said: str, written: str) -> None:
    (found,) = stems(said)
    assert folded(written).startswith(found)


@pytest.mark.parametrize("word", ["zdi", "beton", "2024a", "kamen"])
def test_short_words_and_numbers_keep_what_they_have(word: str) -> None:
    assert stem(word) == word


def test_a_tsquery_wants_all_words_and_nothing_but_words_gets_into_it() -> None:
    assert tsquery("Základy!  z:* (betonu) | '") == "(zaklady | zaklad:*) & (z | z:*) & (betonu | beton:*)"
    assert tsquery("-- !") == ""


@given(st.text(max_size=400))
def test_folding_keeps_every_place(text: str) -> None:
    assert len(folded(text)) == len(text)


def test_a_passage_begins_shortly_before_the_first_word_and_marks_all() -> None:
    text = "Slovo " * 40 + "podkladní beton pod základy z betonu C12/15 " + "jinak " * 40
    shown, marks = passage(text, stems("betonem"))
    assert len(shown) <= PASSAGE
    assert [shown[start:end] for start, end in marks] == ["beton", "betonu"]
    assert shown.startswith("Slovo")


def test_a_text_without_the_words_is_shown_from_its_beginning() -> None:
    assert passage("Krátký text", ["nic"]) == ("Krátký text", ())


@given(st.text(min_size=1, max_size=600), st.text(max_size=20))
def test_marks_lie_inside_the_passage_and_show_wanted_words(text: str, said: str) -> None:
    wanted = stems(said)
    shown, marks = passage(text, wanted)
    assert len(shown) <= max(PASSAGE, 1)
    for start, end in marks:
        assert 0 <= start < end <= len(shown)
        assert any(folded(shown[start:end]).startswith(each[: end - start]) for each in wanted)
