"""Routine changes: dependency updates that bots made alone, and everything that makes one ordinary."""

import pytest

from changes.proposals.routine import Routine, Work, routine_of
from portal.policy.parameters import DEFAULT, Parameters

RENOVATE = {"uid": 29139614, "login": "renovate[bot]", "name": "renovate[bot]", "email": "b@x.test", "role": "author"}
WEB_FLOW = {"uid": 19864447, "login": "web-flow", "name": "GitHub", "email": "noreply@github.com", "role": "committer"}
ANN = {"uid": 1, "login": "ann", "name": "Ann", "email": "ann@northwind.example", "role": "author"}
NOBODY = {"uid": None, "login": "", "name": "", "email": "jo@example.test", "role": "co-author"}
NOT_READ = "An ordinary change: its commits and files have not been read yet."


def work(author="renovate[bot]", people=(RENOVATE,), paths=("requirements.txt", "uv.lock")):
    return Work(author, people, paths)


CASES = {
    "a bot with its files": ([work()], True, "renovate[bot] made it alone"),
    "a bot and the forge's own committer": ([work(people=(RENOVATE, WEB_FLOW))], True, "renovate[bot] made it alone"),
    "only lock files": ([work(paths=("web/package-lock.json", "go.sum"))], True, "renovate[bot] made it alone"),
    "files of dependencies anywhere": (
        [work(paths=("services/web/package.json", "go.mod", "tools/requirements-dev.txt"))],
        True,
        "renovate[bot] made it alone",
    ),
    "two bots": (
        [work(), work(author="dependabot[bot]", people=({**RENOVATE, "login": "dependabot[bot]"},))],
        True,
        "dependabot[bot] and renovate[bot] made it alone",
    ),
    "the name in another case": ([work(author="Renovate[bot]")], True, "Renovate[bot] made it alone"),
    "nothing": ([], False, ""),
    "a person": ([work(author="ann", people=(ANN,))], False, ""),
    "a bot that is not on the list": ([work(author="mallory[bot]")], False, ""),
    "a person pushed onto its branch": ([work(people=(RENOVATE, ANN))], False, "Ann added to the work of renovate[bot]"),
    "a co-author known by mail alone": (
        [work(people=(RENOVATE, NOBODY))],
        False,
        "jo@example.test added to the work of renovate[bot]",
    ),
    "it touches code": ([work(paths=("uv.lock", "app/web.py"))], False, "it touches app/web.py"),
    "it touches a workflow": ([work(paths=(".github/workflows/ci.yml",))], False, "it touches .github/workflows/ci.yml"),
    "it touches a Dockerfile": ([work(paths=("Dockerfile",))], False, "it touches Dockerfile"),
    "it touches nothing": ([work(paths=())], False, "it touches nothing"),
    "the paths were not read": ([work(paths=None)], False, NOT_READ),
    "the commits were not read": ([work(people=())], False, NOT_READ),
    "a person's pull request beside it": (
        [work(), work(author="ann", people=(ANN,))],
        False,
        "ann opened a pull request of it",
    ),
}


@pytest.mark.parametrize(("pieces", "yes", "words"), CASES.values(), ids=CASES.keys())
def test_routine(pieces, yes, words):
    found = routine_of(pieces)

    assert found.yes is yes
    assert words in found.reason
    assert bool(found.reason) is bool(words)


def test_accounts_and_files_are_parameters():
    parameters = Parameters(bot_accounts=("ann",), dependency_files=("deps.txt",))

    assert routine_of([work(author="ann", people=(ANN,), paths=("deps.txt",))], parameters).yes
    assert routine_of([work()], parameters) == Routine(False)
    assert DEFAULT.bot_accounts
