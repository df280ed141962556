"""What the tests about people and sign-in share."""

import pytest


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """The slow digest is Django's own; here only its outcome matters."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
