"""The ids of the AICPA's Trust Services Criteria, as far as an engagement can name them. Ids only: the text is theirs. Pure."""

import re

SERIES: dict[str, int] = {
    "CC1": 5,
    "CC2": 3,
    "CC3": 4,
    "CC4": 2,
    "CC5": 3,
    "CC6": 8,
    "CC7": 5,
    "CC8": 1,
    "CC9": 2,
    "A1": 3,
    "C1": 2,
    "PI1": 5,
    "P1": 1,
    "P2": 1,
    "P3": 2,
    "P4": 3,
    "P5": 2,
    "P6": 7,
    "P7": 1,
    "P8": 1,
}
"""Each series, and how many criteria it has."""
IDS: tuple[str, ...] = tuple(f"{series}.{number}" for series, last in SERIES.items() for number in range(1, last + 1))


def read_ids(text: str) -> tuple[list[str], list[str]]:
    """The ids that a text names, in the order of the criteria and each once; and what in it is no id."""
    named = [word.upper() for word in re.split(r"[\s,;]+", text) if word]
    return [one for one in IDS if one in named], sorted({word for word in named if word not in IDS})
