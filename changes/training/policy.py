"""Who has to be trained by when, and who is. Pure; clause P-28.

People who were there when the first course came have as long for it as for a material version; whoever joins later is trained
only once they have signed. A signature holds for a year, and until the day by which a later material version is signed.
"""

import math
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from changes.training.facts import INTRODUCTION, JOINING, VERSION, YEARLY, Called, Due, Edition, Signed, Standing, Taught, Terms
from portal.policy.clauses import Clause
from portal.policy.parameters import Parameters
from portal.policy.refusal import Refused, Stale

WORDS_A_MINUTE = 200
MINUTES_A_QUESTION = 0.75
WHY = {
    JOINING: "has never signed the policy",
    INTRODUCTION: "has never signed the policy",
    VERSION: "has not signed version {version} of the policy",
    YEARLY: "signed the policy last on {begun:%-d %b %Y}, and a year is over",
}


def terms_of(parameters: Parameters) -> Terms:
    """The terms of a version of the policy."""
    return Terms(
        parameters.training_on_joining_within, parameters.training_after_version_within, parameters.training_repeated_every
    )


def called_by(*, taught: Sequence[Taught], editions: Sequence[Edition]) -> tuple[Called, ...]:
    """What everybody signs, oldest first: the version of the first course, and each later material version.

    A version is called once it holds and a course teaches it or a later one: before that nobody could sign.
    """
    holds = {item.version: item.effective_at for item in editions}
    usable = [(item.version, max(item.published_at, holds[item.version])) for item in taught if item.version in holds]
    if not usable:
        return ()
    version, since = min(usable, key=lambda item: (item[1], item[0]))
    found = [Called(version, since)]
    for edition in editions:
        moments = [moment for number, moment in usable if number >= edition.version]
        if edition.material and edition.version > version and moments:
            found.append(Called(edition.version, max(edition.effective_at, min(moments))))
    return tuple(sorted(found, key=lambda item: (item.since, item.version)))


def teaches(*, version: int, editions: Iterable[Edition], at: datetime) -> bool:
    """Whether a course on ``version`` is one on the policy in force at a moment: no material version came after it."""
    return not any(item.material and item.version > version and item.effective_at <= at for item in editions)


def dues_of(*, joined_at: datetime, called: Sequence[Called], signed: Sequence[Signed], terms: Terms) -> tuple[Due, ...]:
    """All that somebody had and has to sign, in the order of its days. ``called`` and ``signed`` oldest first."""
    if not called:
        return ()
    wanted = [_first(joined_at, called, terms)]
    wanted += [Due(VERSION, item.version, item.since, item.since + terms.version) for item in called[1:] if item.since > joined_at]
    found = [_done(due, signed) for due in wanted]
    found += [_again(item, signed, terms) for item in signed]
    return tuple(sorted(found, key=lambda due: (due.due_at, due.begun_at)))


def _first(joined_at: datetime, called: Sequence[Called], terms: Terms) -> Due:
    first = called[0]
    if joined_at < first.since:
        return Due(INTRODUCTION, first.version, first.since, first.since + terms.version)
    version = max(item.version for item in called if item.since <= joined_at)
    return Due(JOINING, version, joined_at, joined_at + terms.joining)


def _done(due: Due, signed: Sequence[Signed]) -> Due:
    at = next((item.at for item in signed if item.version >= due.version and item.at >= due.begun_at), None)
    return Due(due.reason, due.version, due.begun_at, due.due_at, at)


def _again(item: Signed, signed: Sequence[Signed], terms: Terms) -> Due:
    after = next((other.at for other in signed if other.at > item.at), None)
    return Due(YEARLY, item.version, item.at, item.at + terms.yearly, after)


def standing_at(*, dues: Iterable[Due], at: datetime, opens_before: timedelta) -> Standing:
    """Whether somebody with these ``dues`` is current at a moment. What comes every year opens ``opens_before`` its day."""
    waiting = [due for due in dues if due.begun_at <= at and not due.met_by(at)]
    blocking = sorted((due for due in waiting if due.blocks_from <= at), key=lambda due: due.blocks_from)
    opened = [due for due in waiting if due.reason != YEARLY or due.due_at - opens_before <= at]
    coming = [due.blocks_from for due in waiting if due.blocks_from > at]
    return Standing(
        current=not blocking,
        since=blocking[0].blocks_from if blocking else None,
        why=why_of(blocking[0]) if blocking else "",
        open=min(opened, key=lambda due: due.due_at, default=None),
        until=min(coming, default=None),
        late=any(due.due_at <= at for due in waiting),
    )


def why_of(due: Due) -> str:
    """Why somebody is not current, after their name."""
    return WHY[due.reason].format(version=due.version, begun=due.begun_at)


def check_trained(*, name: str, standing: Standing) -> None:
    """Whoever decides, votes or signs off is trained. The refusal leads to the course."""
    if standing.current:
        return
    since = f" since {standing.since:%-d %b %Y}" if standing.since else ""
    raise Refused(
        Clause.TRAINED,
        f"Training is not current{since}: {name} {standing.why}.",
        "Take the course under Training (/training/), then repeat it. Drafting goes on meanwhile.",
    )


def reminder_for(*, due: Due, at: datetime, before: timedelta) -> str:
    """Which reminder is in place at a moment: assigned, before or due."""
    if at >= due.due_at:
        return "due"
    return "before" if at >= due.due_at - before else "assigned"


# Courses.


def check_course(
    *, title: str, pages: Sequence[object], questions: Sequence[object], draw: int, pass_mark: int, statement: str
) -> None:
    """A course can be published: it has all its parts, and the quiz can be drawn and passed."""
    wrong = {
        "It has no title.": not title.strip(),
        "It has no page.": not pages,
        "The statement to sign is empty.": not statement.strip(),
        f"{draw} questions are drawn, and the bank has {len(questions)}.": not 1 <= draw <= len(questions),
        "The pass mark is between 1 and 100 per cent.": not 1 <= pass_mark <= 100,
    }
    for why, is_so in wrong.items():
        if is_so:
            raise Refused(Clause.TRAINED, f"The course cannot be published. {why}", "Mend the draft, then publish it.")


def check_saved(*, seen: int, version: int) -> None:
    """Nobody saved the draft meanwhile. Raises ``Stale``."""
    if seen != version:
        raise Stale("Somebody saved the draft meanwhile. Look at what was saved, then save again.")


def minutes_for(*, texts: Iterable[str], questions: int) -> int:
    """How many minutes a course takes: reading at 200 words a minute, and three quarters of a minute for each question."""
    words = sum(len(re.findall(r"\w+", text)) for text in texts)
    return max(1, math.ceil(words / WORDS_A_MINUTE + questions * MINUTES_A_QUESTION))


def missing_pages(*, count: int, read: Collection[int]) -> list[int]:
    """The numbers (from 1) of the pages that were not shown yet."""
    return [number for number in range(1, count + 1) if number not in read]


def check_all_read(*, count: int, read: Collection[int]) -> None:
    """The whole text was shown before the quiz and before the signature."""
    missing = missing_pages(count=count, read=read)
    if missing:
        numbers = ", ".join(map(str, missing))
        raise Refused(Clause.TRAINED, f"Not read yet: {'page' if len(missing) == 1 else 'pages'} {numbers}.", "Read on from there.")


# Quizzes.


def check_answerable(*, ends_at: datetime, submitted: bool, at: datetime) -> None:
    """An attempt takes answers until it is handed in or its time is over. Raises ``Stale``."""
    if submitted:
        raise Stale("This attempt is handed in; its answers stand as they are.")
    if at > ends_at:
        raise Stale(
            f"The time of this attempt was over at {ends_at:%-d %b %Y, %H:%M} UTC. It does not count as failed; begin another one."
        )


def check_complete(*, drawn: int, answered: Collection[int]) -> None:
    """Every question has an answer. Says which has none."""
    missing = [str(number) for number in range(1, drawn + 1) if number not in answered]
    if missing:
        word = "Question" if len(missing) == 1 else "Questions"
        raise Refused(Clause.TRAINED, f"{word} {', '.join(missing)} without an answer.", "Answer each, then hand the quiz in.")


def is_right(*, chosen: Collection[int], right: Collection[int]) -> bool:
    """A question is answered when exactly the right choices are made."""
    return set(chosen) == set(right)


def has_passed(*, correct: int, drawn: int, pass_mark: int) -> bool:
    """Whether the share of right answers reaches the pass mark (per cent)."""
    return correct * 100 >= pass_mark * drawn


# Signatures.


def check_name(*, typed: str, name: str) -> None:
    """The name is typed as it stands in the account; case and spaces between do not matter."""
    if " ".join(typed.split()).casefold() != " ".join(name.split()).casefold():
        raise Refused(Clause.TRAINED, "The name is not the one of your account.", f"Type it as it stands there: {name}.")


def check_not_replaced(*, version: int, editions: Iterable[Edition], at: datetime) -> None:
    """No later version of the policy holds by now. Raises ``Stale``; nothing is lost."""
    later = [item for item in editions if item.version > version and item.material and item.effective_at <= at]
    if later:
        newest = max(later, key=lambda item: item.version)
        raise Stale(
            f"Version {version} of the policy was replaced by version {newest.version} "
            f"at {newest.effective_at:%-d %b %Y, %H:%M} UTC. "
            "Nothing was signed. What you read and answered is kept; sign the course of the new version."
        )
