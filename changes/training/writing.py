"""How a course is typed, and what becomes of it. Pure.

Pages: each begins with a line ``# Title``; what follows until the next is its text in markdown (inside of a page, headings
have two or more signs). Questions: each begins with ``? ``, right choices with ``+ ``, wrong ones with ``- ``, and the
explanation, which is shown once the quiz is handed in, with ``= ``. Further lines without a sign go on with the one above.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

PAGE, SIGNS = "# ", ("? ", "+ ", "- ", "= ")
MOST_CHOICES = 8


class WrongText(ValueError):
    """What is typed is no course. The message says in which line and what is needed."""


@dataclass(frozen=True)
class Question:
    """One question of the bank; ``right`` are places of the choices, from 0."""

    text: str
    choices: tuple[str, ...]
    right: tuple[int, ...]
    because: str
    line: int

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the course."""
        return {"text": self.text, "choices": list(self.choices), "right": list(self.right), "because": self.because}


def pages_in(text: str) -> list[dict[str, str]]:
    """The pages of what is typed. Raises ``WrongText``."""
    found: list[dict[str, str]] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line.startswith(PAGE):
            found.append({"title": line[len(PAGE) :].strip(), "text": ""})
        elif found:
            found[-1]["text"] += f"{line}\n"
        elif line.strip():
            raise WrongText(f"Line {number}: a page begins with “# ” and its title.")
    empty = [str(number) for number, page in enumerate(found, start=1) if not page["title"] or not page["text"].strip()]
    if empty:
        raise WrongText(f"Page {empty[0]} has no {'text' if found[int(empty[0]) - 1]['title'] else 'title'}.")
    return [{"title": page["title"], "text": page["text"].strip()} for page in found]


def questions_in(text: str) -> list[Question]:
    """The bank of questions of what is typed. Raises ``WrongText``."""
    return [_question(block) for block in _blocks(text)]


Block = list[tuple[str, str, int]]
"""The parts of one question: sign, words, line."""


def _blocks(text: str) -> Iterable[Block]:
    found: list[Block] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        sign = line[:2] if line[:2] in SIGNS else ""
        if sign == SIGNS[0]:
            found.append([(sign, line[2:].strip(), number)])
        elif not line.strip():
            continue
        elif not found:
            raise WrongText(f"Line {number}: a question begins with “? ”.")
        elif sign:
            found[-1].append((sign, line[2:].strip(), number))
        else:
            before, words, where = found[-1][-1]
            found[-1][-1] = (before, f"{words} {line.strip()}", where)
    return found


def _question(block: Block) -> Question:
    _, text, line = block[0]
    choices = [(sign == "+ ", words) for sign, words, _ in block[1:] if sign in ("+ ", "- ")]
    right = tuple(place for place, (is_right, _) in enumerate(choices) if is_right)
    problem = ""
    if not text or any(not words for _, words in choices):
        problem = "the question or one of its choices has no words"
    elif not 2 <= len(choices) <= MOST_CHOICES:
        problem = f"it has {len(choices)} choices; between 2 and {MOST_CHOICES} are needed"
    elif not right or len(right) == len(choices):
        problem = "at least one choice is right (“+ ”) and one is wrong (“- ”)"
    elif len({words for _, words in choices}) < len(choices):
        problem = "two of its choices say the same"
    if problem:
        raise WrongText(f"Question in line {line}: {problem}.")
    because = " ".join(words for sign, words, _ in block[1:] if sign == "= ")
    return Question(text, tuple(words for _, words in choices), right, because, line)


def typed_pages(pages: Sequence[dict[str, str]]) -> str:
    """Kept pages as they are typed."""
    return "\n\n".join(f"{PAGE}{page['title']}\n\n{page['text']}" for page in pages)


def typed_questions(questions: Iterable[dict[str, Any]]) -> str:
    """A kept bank as it is typed."""
    blocks = []
    for question in questions:
        lines = [f"? {question['text']}"]
        lines += [f"{'+' if place in question['right'] else '-'} {words}" for place, words in enumerate(question["choices"])]
        lines += [f"= {question['because']}"] if question["because"] else []
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
