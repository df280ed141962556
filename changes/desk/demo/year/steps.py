"""The words that a plan is made of. Frozen values; nothing here does anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Given:
    """What an earlier act will have given: a field of its answer, known only while the year is played.

    Fields: ``number``, ``head`` and ``branch`` of a pull request, ``sha`` of a commit or a merge, ``id`` of a record,
    ``version`` of a release. ``length`` cuts a text, such as a commit's name to 12 letters.
    """

    of: str
    what: str
    length: int = 0


@dataclass(frozen=True)
class ChangeOf:
    """The first change that a pull request carries, as ``CHG-1042``: known to the portal only while the year is played."""

    repository: str
    number: Given


Part = str | Given | ChangeOf


@dataclass(frozen=True)
class Act:
    """Somebody does something at a vendor: ``act`` is a word of the stand-ins' control door (``github/review``, ``ship``).

    ``arguments`` may hold ``Given``. ``name`` is unique in the plan; under it the answer is remembered for later ``Given``.
    Acts that take no time of their own (``fly/configure``, ``doppler/add_member``) have ``timed`` False.
    """

    at: datetime
    name: str
    act: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    timed: bool = True


@dataclass(frozen=True)
class Deed:
    """Somebody does something in the portal: ``deed`` is a name in ``deeds.DEEDS``, ``by`` a login.

    Before it, the portal comes to know everything that the acts until then have left at the vendors. ``arguments`` may hold
    ``Given``; ``name`` is unique in the plan.
    """

    at: datetime
    name: str
    deed: str
    by: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """The portal looks at everything at this moment, without anybody doing something: a clock has run out, a day is over."""

    at: datetime
    name: str


Step = Act | Deed | Look


@dataclass(frozen=True)
class Expect:
    """One exception that must be in the register afterwards: ``kind:subject`` of a repository ("" for of none).

    ``subject`` is put together from texts and ``Given``: ``("#", pull.number)``. Exceptions that fold into another one are
    rows of their own, and are expected like any other. ``explained``: what its owner answers, a day after it was found ("":
    nobody has answered yet).
    """

    repository: str
    kind: str
    subject: tuple[Part, ...]
    explained: str = ""


@dataclass(frozen=True)
class Tale:
    """What a scenario is: its steps in any order, and what must be found because of them. A trap expects nothing."""

    steps: tuple[Step, ...]
    expected: tuple[Expect, ...] = ()
