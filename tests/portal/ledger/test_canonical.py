import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.ledger.canonical import canonical

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def test_text_has_sorted_keys_no_spaces_and_real_letters():
    assert canonical({"b": [1, True, None], "a": {"ü": "ß"}}) == '{"a":{"ü":"ß"},"b":[1,true,null]}'


def test_times_and_numbers_have_one_form():
    berlin = timezone(timedelta(hours=1))

    text = canonical(
        {
            "at": datetime(2026, 3, 2, 10, 0, tzinfo=berlin),
            "day": date(2026, 3, 2),
            "exact": datetime(2026, 3, 2, 9, 0, 0, 7, tzinfo=UTC),
            "id": UUID(int=7),
            "price": Decimal("1.50"),
            "took": timedelta(minutes=1),
        }
    )

    assert text == (
        '{"at":"2026-03-02T09:00:00Z","day":"2026-03-02","exact":"2026-03-02T09:00:00.000007Z",'
        '"id":"00000000-0000-0000-0000-000000000007","price":"1.50","took":60.0}'
    )


@pytest.mark.parametrize("value", [datetime(2026, 3, 2, 9, 0), object(), {1, 2}])
def test_what_has_no_one_form_is_refused(value):
    with pytest.raises(TypeError):
        canonical({"a": value})


def test_a_number_that_is_none_is_refused():
    with pytest.raises(ValueError):
        canonical({"a": float("nan")})


def test_characters_that_postgresql_cannot_hold_are_replaced_and_others_kept():
    given_value = {"nul\0": ["a\0b", ("half \ud800", 7)], "kept": "\\u0000 and 😀"}

    assert canonical(given_value) == '{"kept":"\\\\u0000 and 😀","nul\ufffd":["a\ufffdb",["half \ufffd",7]]}'


def test_half_a_surrogate_pair_alone_is_replaced_too():
    assert canonical({"half": "\ud83d"}) == '{"half":"\ufffd"}'


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(TEXT, VALUES, max_size=4) | st.dictionaries(TEXT, TEXT, max_size=4))
def test_text_can_be_read_back_and_does_not_depend_on_order(value):

    text = canonical(value)

    assert json.loads(text) == value
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(dict(reversed(value.items()))) == text
