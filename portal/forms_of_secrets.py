"""What secrets look like: tokens of vendors and of our own, keys, passwords in addresses. Pure, and read before the settings are.

One table for whoever hides secrets (logs, the read log) and for whoever looks for them (the scan of the repository). Sources: the
vendors' pages on the formats of their tokens (GitHub, GitLab "token overview", Slack, Fly "tokens", Doppler "token formats",
Cloudflare "token formats", age "file format", RFC 7468, RFC 7519).
"""

import re

FORMS: dict[str, str] = {
    "GitHub": r"gh[pousr]_[A-Za-z0-9]{16,} | github_pat_[A-Za-z0-9_]{16,}",
    "GitLab": r"gl(?:pat|ptt|dt|rt|rtr|cbt|soat|ft|ffct|agent|oas|imt)-[A-Za-z0-9_=.-]{16,}",
    "Slack": r"xox[abeprs](?:\.xox[bp])?-[A-Za-z0-9-]{8,} | xapp-[A-Za-z0-9-]{8,} | hooks\.slack\.com/services/T\w+/B\w+/\w{16,}",
    "Fly": r"fm[12][ar]?_[A-Za-z0-9+/=_,-]{16,} | fo1_[A-Za-z0-9_-]{16,} | FlyV1\s+[A-Za-z0-9+/=_,-]{16,}",
    "Doppler": r"dp\.(?:st|pt|ct|sa|said|scim|audit)\.[A-Za-z0-9._-]{8,}",
    "Cloudflare": r"\bcf(?:k|ut|at)_[A-Za-z0-9]{40,} | \bv1\.0-[0-9a-f]{24}-[0-9a-f]{100,}",
    "our own": r"\bcs[ft]?_[A-Za-z0-9_-]{16,}",
    "age": r"AGE-SECRET-KEY-1[0-9A-Z]{20,}",
    "Amazon": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "Google": r"GOCSPX-[A-Za-z0-9_-]{16,} | \bAIza[A-Za-z0-9_-]{35}",
    "JSON web token": r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "private key": r"-----BEGIN[ A-Z]*PRIVATE\ KEY-----.*?(?:-----END[ A-Z]*PRIVATE\ KEY-----|\Z)",
    "password in an address": r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
}
"""Whose it is → verbose regular expression."""

IN_LOGS: dict[str, str] = {
    "after a scheme": r"(?:(?<=Bearer\s)|(?<=token\s))[A-Za-z0-9._~+/=-]{8,}",
    "letter of invitation": r"(?<=/account/invitation/)[A-Za-z0-9_=-]{8,}",
    "letter for a new password": r"(?<=/account/password/reset/key/)[A-Za-z0-9_=-]{8,}",
}
"""Besides, what is a secret because of where it stands: whatever follows a scheme, and the letters' keys in our own addresses."""

ANY = re.compile("|".join(f"(?:{form})" for form in FORMS.values()), re.DOTALL | re.VERBOSE)
HIDDEN = re.compile("|".join(f"(?:{form})" for form in [*FORMS.values(), *IN_LOGS.values()]), re.DOTALL | re.VERBOSE)
_EACH = {kind: re.compile(form, re.DOTALL | re.VERBOSE) for kind, form in FORMS.items()}
OURS_FROM = 40
"""Characters of a token that we make; what is shorter and begins alike is a word."""


def kind_in(*, text: str) -> str:
    """Whose secret stands in a text that somebody wrote; empty when none does."""
    for kind, form in _EACH.items():
        if any(kind != "our own" or len(found[0]) >= OURS_FROM for found in form.finditer(text)):
            return kind
    return ""
