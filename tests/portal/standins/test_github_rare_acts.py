"""What people at GitHub do now and then: restore a branch, bring one up to date, take another login, name a check's App."""

import subprocess

import pytest

from portal.standins.github import GitHubError
from tests.portal.standins.life import WEB


def test_a_deleted_branch_is_restored_where_it_stood(northwind):
    before = northwind.tip(WEB, "refs/heads/prod")
    northwind.delete_branch(repository=WEB, branch="prod", by="rex")

    northwind.restore_branch(repository=WEB, branch="prod", by="rex")

    assert northwind.tip(WEB, "refs/heads/prod") == before
    with pytest.raises(GitHubError):
        northwind.restore_branch(repository=WEB, branch="prod", by="rex")


def test_a_branch_is_brought_up_to_date_by_a_merge_of_its_base(northwind):
    northwind.commit(repository=WEB, branch="ann/one", files={"one.txt": "1\n"}, author="ann", message="One")
    pull = northwind.open_pull_request(repository=WEB, head="ann/one", title="One", by="ann")
    northwind.push_direct(repository=WEB, branch="main", files={"two.txt": "2\n"}, by="rex", message="Two")

    merged = northwind.update_branch(repository=WEB, number=pull["number"], by="ann")

    parents = [parent["sha"] for parent in merged["parents"]]
    assert parents == [pull["head"]["sha"], northwind.tip(WEB, "refs/heads/main")]
    assert northwind.pull_request(repository=WEB, number=pull["number"])["head"]["sha"] == merged["sha"]


def test_an_account_keeps_its_number_and_its_rights_under_another_login(northwind):
    before = northwind.account("ann")["uid"]

    northwind.rename_account(login="ann", to="ann-berg")
    northwind.commit(repository=WEB, branch="new", files={"x.txt": "x\n"}, author="ann-berg", message="x")
    opened = northwind.open_pull_request(repository=WEB, head="new", title="x", by="ann-berg")
    northwind.rename_account(login="ann-berg", to="ann")

    assert (opened["user"]["login"], opened["user"]["id"]) == ("ann-berg", before)
    shown = northwind.pull_request(repository=WEB, number=opened["number"])["user"]
    assert (shown["login"], shown["id"], northwind.permission(WEB, "ann")) == ("ann", before, "push")


def test_a_required_check_names_the_app_that_it_must_come_from(northwind):
    rule = northwind.set_protection(repository=WEB, branch="prod", by="rex", checks=["a", "b"], apps={"b": 7})

    assert rule["required_status_checks"]["checks"] == [{"context": "a", "app_id": None}, {"context": "b", "app_id": 7}]


def test_git_answers_under_a_former_name(northwind):

    northwind.rename_repository(repository=WEB, to="northwind/shop", by="rex")
    url = northwind.clone_url(WEB).replace("http://", f"http://x:{northwind.token_of('ann')}@")

    listed = subprocess.run(["git", "ls-remote", url, "main"], capture_output=True, text=True, check=True)

    assert listed.stdout.split()[0] == northwind.tip("northwind/shop", "refs/heads/main")
