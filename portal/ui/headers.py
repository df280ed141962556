"""What every answer says to the browser, and the reference number of a request. Needs no models."""

from django.utils.crypto import get_random_string

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'; report-uri /csp-report/"
)
"""No nonce, no hash, nothing unsafe: every script and style is an external file of our own."""

POLICY_OF_PAGE = "policy_of_page"
"""Attribute of an answer whose form posts to another site: its own policy, no wider than that."""

PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), publickey-credentials-get=(self)"

SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": PERMISSIONS,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer, also on errors, static files and what is answered before Django."""

REFERENCE_LENGTH = 10
REFERENCE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters of a reference number: none that people confuse on the telephone."""


def new_reference() -> str:
    """A reference number for a request."""
    return get_random_string(REFERENCE_LENGTH, REFERENCE_LETTERS)
