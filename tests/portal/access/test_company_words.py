"""Passwords made of the company's own words."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from portal.access.company_words import words_of_the_company


@pytest.fixture
def northwind(settings):
    settings.BASE_URL, settings.COMPANY_WORDS = "https://change.northwind.example:8443", ["Kestrel", "ab"]


def test_the_company_is_known_by_its_address_and_by_the_setting(northwind):
    assert list(words_of_the_company()) == ["countersign", "kestrel", "northwind"]


@pytest.mark.parametrize("password", ["Northwind-2026", "n0rthw1nd2026", "Kestrel!Kestr", "c0unter$ign123", "Northwind.Labs"])
def test_a_name_of_the_company_with_a_little_beside_it_is_refused(northwind, password):
    with pytest.raises(ValidationError) as refused:
        validate_password(password)

    assert [problem.code for problem in refused.value.error_list] == ["password_of_the_company"]


@pytest.mark.parametrize("password", ["northwind sells slow cameras", "quiet-otters-42-drum", "kestrel over the old mill"])
def test_a_sentence_may_hold_the_name(northwind, password):
    validate_password(password)
