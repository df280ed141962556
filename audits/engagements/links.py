"""What a question or a finding points at: names of records, and addresses of this portal. Pure."""

import re

NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"CHG-(\d{1,12})", re.IGNORECASE), "/changes/{}/"),
    (re.compile(r"C-(\d{2})", re.IGNORECASE), "/controls/C-{}/"),
    (re.compile(r"EXC-(\d{1,12})", re.IGNORECASE), "/exceptions/{}/"),
)
"""Names that people write, and where they lead."""
ADDRESS = re.compile(r"/[\w\-./]*(?:\?[\w\-.=&%,:]*)?(?:#[\w\-]+)?")
MOST = 20


def read_links(text: str) -> tuple[list[str], list[str]]:
    """The links that a text names, each once and in its order; and what in it is none."""
    words = list(dict.fromkeys(word for word in re.split(r"[\s,;]+", text) if word))
    return [word for word in words if href_of(word)][:MOST], [word for word in words if not href_of(word)]


def href_of(word: str) -> str:
    """Where a link leads; empty when it is none. Only inside of this portal."""
    for name, address in NAMES:
        found = name.fullmatch(word)
        if found:
            return address.format(found[1])
    return word if ADDRESS.fullmatch(word) and not word.startswith("//") else ""


def shown_links(words: list[str]) -> list[tuple[str, str]]:
    """Words and address of each."""
    return [(word, href_of(word)) for word in words]
