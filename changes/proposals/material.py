"""Whether an edit of a proposal is material, by the rule of the policy version. Pure.

An immaterial edit leaves approvals and decisions standing, a material one ends them. Immaterial is an edit that leaves the
material sections alone and elsewhere only mends slips: few words, each replaced by one that differs in a letter or two. Numbers,
words that turn a sentence ("not"), and words that come or go are never slips. In doubt an edit is material.

An edit is compared with the text that people's words bind to, not with the revision before, so that many small edits do not
add up to a great one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from changes.proposals.sections import SECTIONS, TEXT_FIELDS
from changes.proposals.word_diff import changed, compare, tokens, words
from portal.policy.parameters import DEFAULT, Parameters

FIRST = "It is the first text."
LONGEST_SLIP = 200
"""Characters of a replaced stretch above which nobody looks for slips in it."""


@dataclass(frozen=True)
class Judged:
    """Whether an edit is material, and why, in a sentence."""

    material: bool
    reason: str


def judge(*, before: Mapping[str, str], after: Mapping[str, str], parameters: Parameters = DEFAULT) -> Judged:
    """Judge an edit. ``before`` is the text that approvals bind to; both have all sections."""
    edited = [name for name in TEXT_FIELDS if _tidy(before[name]) != _tidy(after[name])]
    if not edited:
        return Judged(False, "Only white space at the ends of lines differs.")
    touched = [SECTIONS[name] for name in edited if name in parameters.material_sections]
    if touched:
        return Judged(True, f"“{touched[0]}” was edited, and every edit there is material.")
    count = 0
    for name in edited:
        for old, new in changed(compare(_tidy(before[name]), _tidy(after[name]))):
            problem = _no_slip(old, new, parameters)
            if problem:
                return Judged(True, f"{problem} under “{SECTIONS[name]}”, which is more than a slip of the pen.")
            count += max(len(words(old)), len(words(new)))
            if count > parameters.immaterial_words:
                return Judged(True, f"More than {parameters.immaterial_words} words differ, however little each.")
    return Judged(False, f"Only slips of the pen were mended: {_count(count)}, outside the material sections.")


def rule_in_words(parameters: Parameters = DEFAULT) -> str:
    """The rule as people read it beside the form and in the history."""
    names = [f"“{SECTIONS[name]}”" for name in TEXT_FIELDS if name in parameters.material_sections]
    return (
        f"Every edit of {', '.join(names[:-1])} or {names[-1]} is material and ends the approvals of the earlier text. "
        f"Elsewhere up to {parameters.immaterial_words} words may be mended without ending them, each by at most "
        f"{parameters.slip_letters} letters; numbers, “not” and the like, and words that come or go are always material."
    )


def _tidy(text: str) -> str:
    """Line ends as the database of the web keeps them do not count, nor do blanks at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))


def _count(number: int) -> str:
    return "signs and blanks alone" if not number else "1 word" if number == 1 else f"{number} words"


def _no_slip(old: str, new: str, parameters: Parameters) -> str:
    """Why a replacement is no slip; empty when it is one."""
    if len(old) > LONGEST_SLIP or len(new) > LONGEST_SLIP:
        return "A whole passage differs"
    if "".join(old.split()) == "".join(new.split()):
        return ""
    earlier, later = words(old), words(new)
    if not earlier and not later:
        return _signs(old, new, parameters)
    if len(earlier) != len(later):
        return (
            f"{_shown(old)} became {_shown(new)}"
            if old and new
            else f"{_shown(new)} was added"
            if new
            else f"{_shown(old)} was removed"
        )
    different = next((pair for pair in zip(earlier, later, strict=True) if not _same_word(*pair, parameters)), None)
    if different:
        return f"{_shown(different[0])} became {_shown(different[1])}"
    return _signs(_without_words(old), _without_words(new), parameters)


def _signs(old: str, new: str, parameters: Parameters) -> str:
    if distance(old, new, most=parameters.slip_letters) <= parameters.slip_letters:
        return ""
    return "Several signs differ"


def _without_words(text: str) -> str:
    return "".join(token for token in tokens(text) if not words(token)).strip()


def _same_word(old: str, new: str, parameters: Parameters) -> bool:
    """Whether one is the other with a slip: a letter or two, at most one in three of them."""
    one, other = old.casefold(), new.casefold()
    if one == other:
        return True
    if any(sign.isdigit() or sign == "_" for sign in one + other) or _turns(one, parameters) != _turns(other, parameters):
        return False
    most = min(parameters.slip_letters, max(len(one), len(other)) // 3)
    return distance(one, other, most=most) <= most


def _turns(word: str, parameters: Parameters) -> bool:
    return word in parameters.turning_words or word.endswith(("n't", "n’t"))


def _shown(text: str) -> str:
    """A few words, short enough for a sentence."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= 40 else f'{line[:39]}…'}”"


def distance(one: str, other: str, *, most: int) -> int:
    """Letters that were added, removed, replaced or swapped with their neighbour; above ``most`` it is ``most`` plus one."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        older, before, row = before, row, [place]
        for beside, mark in enumerate(other, start=1):
            cost = min(before[beside] + 1, row[beside - 1] + 1, before[beside - 1] + (letter != mark))
            if place > 1 and beside > 1 and letter == other[beside - 2] and one[place - 2] == mark:
                cost = min(cost, older[beside - 2] + 1)
            row.append(cost)
    return min(row[-1], most + 1)
