"""The language of the search box: every operator, every kind of word, and what is said about what cannot be read."""

from datetime import date

import pytest

from changes.proposals.searching.language import DAY, FLAGS, LONGEST, OPERATORS, Question, Term, first_day, read

CASES = [
    ("", ()),
    ("   ", ()),
    ("memory", (Term("word", ("memory",)),)),
    ("Memory CACHE", (Term("word", ("memory",)), Term("word", ("cache",)))),
    ("memory memory", (Term("word", ("memory",)),)),
    ("-word", (Term("word", ("word",), True),)),
    ("--", ()),
    ('"exact words"', (Term("phrase", ("exact words",)),)),
    ('-"exact words"', (Term("phrase", ("exact words",), True),)),
    ('"never closed', (Term("phrase", ("never closed",)),)),
    ('a"b c"', (Term("word", ("a",)), Term("phrase", ("b c",)))),
    ('""', ()),
    ("src/app.py", (Term("phrase", ("src app py",)),)),
    ("https://example.com/x", (Term("phrase", ("https example com x",)),)),
    ("12:30", (Term("phrase", ("12 30",)),)),
    ("fix: memory", (Term("word", ("fix",)), Term("word", ("memory",)))),
    ("Überlauf", (Term("word", ("überlauf",)),)),
    ("CHG-1042", (Term("number", ("1042",)),)),
    ("chg-0007", (Term("number", ("7",)),)),
    ("-CHG-1", (Term("number", ("1",), True),)),
    ("CHG-1042x", (Term("phrase", ("chg 1042x",)),)),
    ("#17", (Term("pull_request", ("17",)),)),
    ("web#17", (Term("pull_request", ("web#17",)),)),
    ("Acme/Web#17", (Term("pull_request", ("acme/web#17",)),)),
    ("1042", (Term("word", ("1042",)),)),
    ("4BE1F0C", (Term("commit", ("4be1f0c",)),)),
    ("deadbeef", (Term("word", ("deadbeef",)),)),
    ("author:ann", (Term("author", ("ann",)),)),
    ("author:Ann,bob", (Term("author", ("ann", "bob")),)),
    ('author:"Ann Lee"', (Term("author", ("ann lee",)),)),
    ('author:"Lee, Ann",bob', (Term("author", ("lee, ann", "bob")),)),
    ('author:"Ann Lee', (Term("author", ("ann lee",)),)),
    ("author:", ()),
    ("author: memory", (Term("word", ("memory",)),)),
    ("approver:bob", (Term("approver", ("bob",)),)),
    ("state:draft", (Term("state", ("draft",)),)),
    ("state:waiting", (Term("state", ("proposed", "approved")),)),
    ("state:open", (Term("state", ("approved", "draft", "proposed")),)),
    ("state:app", (Term("state", ("approved",)),)),
    ("state:rolled-back", (Term("state", ("rolled_back",)),)),
    ("-state:closed,withdrawn", (Term("state", ("closed", "withdrawn"), True),)),
    ("kind:database", (Term("kind", ("database",)),)),
    ("size:large", (Term("size", ("large",)),)),
    ("risk:high,medium", (Term("risk", ("high", "medium")),)),
    ("repo:web", (Term("repo", ("web",)),)),
    ("env:prod", (Term("env", ("production",)),)),
    ("env:staging,preview", (Term("env", ("staging", "preview")),)),
    ('label:"needs review"', (Term("label", ("needs review",)),)),
    ("is:emergency", (Term("category", ("emergency",)),)),
    ("is:open", (Term("state", ("approved", "draft", "proposed")),)),
    ("is:mine", (Term("mine", ("me",)),)),
    ("is:routine", (Term("routine", ("yes",)),)),
    ("after:2026-03-01", (Term("after", ("2026-03-01",)),)),
    ("before:2026-03", (Term("before", ("2026-03",)),)),
    ("after:7d", (Term("after", ("7d",)),)),
    ("a\x00b", (Term("word", ("a",)), Term("word", ("b",)))),
]


@pytest.mark.parametrize(("text", "terms"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_text_is_read_as(text, terms):
    assert read(text) == Question(terms)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour:red", "There is no “colour:” to search by. There are: author:, approver:, state:"),
        ("state:purple", "“state:purple” says nothing that is known. There are: approved, closed, draft"),
        ("state:re", "“state:re” says nothing"),
        ("is:green", "“is:green” says nothing that is known. There are: emergency, large, mine"),
        ("is:open,large", "mixes things that are asked for one by one"),
        ("before:yesterdays", "is no day. Write it as 2026-03-01"),
        ("before:2026-02-30", "a day that the calendar does not have"),
        (" ".join(f"w{number}" for number in range(40)), "At most 30 can be looked for"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(text, words):
    (problem,) = read(text).problems

    assert words in problem


def test_the_rest_of_a_question_is_read_beside_a_problem():
    assert read("state:purple memory").terms == (Term("word", ("memory",)),)


def test_a_very_long_question_is_read_up_to_its_limit():
    assert read("x" * 10_000_000) == Question((Term("word", ("x" * LONGEST,)),))


def test_every_example_of_the_help_can_be_read():
    assert {name: read(operator.example).problems for name, operator in OPERATORS.items()} == dict.fromkeys(OPERATORS, ())
    assert {name: len(read(operator.example).terms) for name, operator in OPERATORS.items()} == dict.fromkeys(OPERATORS, 1)
    assert {flag: read(f"is:{flag}").problems for flag in FLAGS} == dict.fromkeys(FLAGS, ())


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-03", date(2026, 3, 1)),
        ("2026", date(2026, 1, 1)),
        ("today", date(2026, 11, 27)),
        ("yesterday", date(2026, 11, 26)),
        ("7d", date(2026, 11, 20)),
    ],
)
def test_a_day_is_the_first_of_its_span(value, day):
    assert DAY.match(value)
    assert first_day(value, today=date(2026, 11, 27)) == day
