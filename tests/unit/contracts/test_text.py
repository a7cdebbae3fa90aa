"""Text on which no character acts: for people as symbols, in JSON as escapes."""

import json
import re
import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.text import with_escapes, with_symbols

ACTING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
CATEGORIES: Final = {"Cc", "Zl", "Zp", "Cs"}


@given(st.text())
def test_plain_text_is_one_line_on_which_nothing_acts(text: str) -> None:
    plain = with_symbols(text)
    assert not ACTING.search(plain)
    assert not {unicodedata.category(each) for each in plain} & CATEGORIES
    assert len(plain.splitlines()) <= 1


@given(st.dictionaries(st.text(), st.text(st.characters(exclude_categories=["Cs"]))))
def test_escaped_json_is_the_same_value_on_which_nothing_acts(value: dict[str, str]) -> None:
    escaped = with_escapes(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(escaped) == value
    assert not ACTING.search(escaped)


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("’s-Hertogenbosch: één idee, 50 % — € 1.000", "👩‍👧 Ouders & kinderen", "مدينة", "שלום"):
        assert with_symbols(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a␛[2Jb"),
        ("a\r\nb\tc", "a␍␊b␉c"),
        ("a\x7fb", "a␡b"),
        ("a\x9bb", "a<U+009B>b"),
        ("a\u202eb", "a<U+202E>b"),
    ],
)
def test_characters_that_act_are_shown(text: str, shown: str) -> None:
    assert with_symbols(text) == shown


def test_characters_may_be_kept() -> None:
    assert with_symbols("a\n\tb\r", keep="\n\t") == "a\n\tb␍"
