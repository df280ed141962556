"""Who had a hand in a pull request."""

import pytest

from changes.connectors.fields import Incomplete
from changes.connectors.github.people import MOST, account_of_mail, commit_people
from changes.gates.reading import unknown_people
from changes.proposals.people import commit_actor
from tests.changes.connectors.github import made

ANN = {"login": "ann-northwind", "id": 11}


def commit(author: dict | None, committer: dict | None, *, message: str = "", **git: str) -> dict:
    signature = {"name": git.get("name", "Ann"), "email": git.get("email", "ann@northwind.example")}
    by = {"name": git.get("by", "Ann"), "email": git.get("by_email", "ann@northwind.example")}
    return {
        "sha": made.HEAD,
        "author": author,
        "committer": committer,
        "commit": {"author": signature, "committer": by, "message": message},
    }


def person(role: str, **more) -> dict:
    return {"uid": 11, "login": "ann-northwind", "name": "Ann", "email": "ann@northwind.example"} | more | {"role": role}


def test_each_contributor_is_named_once_per_role() -> None:
    assert commit_people(commits=[commit(ANN, ANN), commit(ANN, ANN)]) == (person("author"), person("committer"))


def test_githubs_own_commits_name_no_committer() -> None:
    by_account = commit(ANN, {"login": "web-flow", "id": 19864447}, by="GitHub", by_email="noreply@github.com")
    by_mail = commit(ANN, None, by="GitHub", by_email="NoReply@GitHub.com")

    assert commit_people(commits=[by_account, by_mail]) == (person("author"),)


def test_pressing_the_merge_button_is_no_contribution() -> None:
    forge = {"login": "web-flow", "id": 19864447}
    pressed = commit(ANN, forge, message="Merge pull request #7 from northwind/greet\n\nGreet")
    pressed["parents"] = [{"sha": made.HEAD}, {"sha": made.HEAD}]
    pressed["commit"]["verification"] = {"verified": True, "reason": "valid"}
    forged = {**pressed, "commit": {**pressed["commit"], "verification": {"verified": False, "reason": "unsigned"}}}
    resolved = {**pressed, "commit": {**pressed["commit"], "message": "Merge branch 'main' into greet"}}

    assert commit_people(commits=[pressed]) == ()
    assert commit_people(commits=[forged]) == (person("author"),)
    assert commit_people(commits=[resolved]) == (person("author"),)


def test_a_commit_without_an_account_keeps_its_mail_address() -> None:
    (author, committer) = commit_people(
        commits=[commit(None, {}, name="Eve", email="eve@example.com", by="Eve", by_email="e2@x.org")]
    )

    assert author == {"uid": None, "login": "", "name": "Eve", "email": "eve@example.com", "role": "author"}
    assert committer == {"uid": None, "login": "", "name": "Eve", "email": "e2@x.org", "role": "committer"}


def test_co_authors_come_from_the_trailers() -> None:
    message = (
        "Fix it\n\nCo-authored-by: Bob <bob@northwind.example>\n"
        "co-authored-by:Cleo<13+cleo-northwind@users.noreply.github.com>\r\n"
        " Co-authored-by: Not A. Trailer <no@example.com>\n"
        "Co-authored-by: without a mail\n"
        "Co-authored-by: <>\n"
        "CO-AUTHORED-BY: Dev <dev@northwind.example> and more"
    )

    found = commit_people(commits=[commit(ANN, ANN, message=message)])[2:]

    assert found == (
        {"uid": None, "login": "", "name": "Bob", "email": "bob@northwind.example", "role": "co-author"},
        {
            "uid": 13,
            "login": "cleo-northwind",
            "name": "Cleo",
            "email": "13+cleo-northwind@users.noreply.github.com",
            "role": "co-author",
        },
        {"uid": None, "login": "", "name": "Dev", "email": "dev@northwind.example", "role": "co-author"},
    )


@pytest.mark.parametrize(
    ("email", "account"),
    [
        ("13+cleo@users.noreply.github.com", (13, "cleo")),
        ("13+Cleo@Users.NoReply.GitHub.com", (13, "Cleo")),
        ("cleo@users.noreply.github.com", (None, "cleo")),
        ("x+cleo@users.noreply.github.com", (None, "cleo")),
        ("٣+cleo@users.noreply.github.com", (None, "cleo")),
        (f"{10**19}+cleo@users.noreply.github.com", (None, "cleo")),
        (f"1+{'x' * 121}@users.noreply.github.com", (None, None)),
        ("@users.noreply.github.com", (None, None)),
        ("cleo@users.noreply.github.com.example", (None, None)),
        ("", (None, None)),
    ],
)
def test_githubs_private_addresses_name_the_account(email: str, account: tuple) -> None:
    assert account_of_mail(email=email) == account


def test_a_commit_without_its_git_part_is_incomplete() -> None:
    with pytest.raises(Incomplete, match=r"commit\.commit is missing"):
        commit_people(commits=[{"sha": made.HEAD}])


def test_a_very_long_message_is_read_in_no_time() -> None:
    message = "Co-authored-by: " + " " * 200_000 + "<" * 200_000

    assert commit_people(commits=[commit(ANN, ANN, message=message)]) == (
        person("author"),
        person("committer"),
        {"uid": None, "login": "", "name": "", "email": "<" * 199_999, "role": "co-author"},
    )


@pytest.mark.parametrize(("many", "unlisted"), [(249, 0), (250, 1)])
def test_whoever_made_what_github_does_not_list_any_more_is_unknown_and_nobody_is_taken_for_somebody_else(many, unlisted):
    found = commit_people(commits=[commit(ANN, ANN)] * many, most=MOST)
    actors = [commit_actor(one, {}) for one in found]

    assert len(found) == 2 + unlisted
    assert [actor.name for actor in unknown_people(actors)] == ["whoever made those after the 250th"] * unlisted
