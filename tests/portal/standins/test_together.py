"""Both stand-ins in one process: the control door, the page, the command line, and the living company."""

import os
import re
import signal
import socket
import subprocess
import sys
from html import unescape
from pathlib import Path

import httpx
import pytest

from portal.standins import __file__ as package
from portal.standins import company, together
from portal.standins.client import Remote, StandInRefused
from portal.standins.github import GitHubError
from portal.standins.live import Living, next_step, step_once, take
from portal.standins.together import StandIns, last_address
from tests.pace import SHARED
from tests.portal.standins.life import WEB
from tests.standins import PEOPLE


@pytest.fixture
def standins(tmp_path):
    made = StandIns(tmp_path / "standins", portal="http://127.0.0.1:8000")
    made.start(hooks="hold:")
    github = made.vendors.github
    for number, (login, (name, email)) in enumerate({**PEOPLE, "dev": ("Dev Patel", "dev@northwind.example")}.items(), start=9001):
        github.add_account(login=login, uid=number, name=name, email=email)
    github.create_repository(name=WEB, by="rex")
    for login in ("ann", "bob", "dev"):
        github.add_member(repository=WEB, login=login, by="rex")
    for branch in ("main", "prod"):
        github.set_protection(repository=WEB, branch=branch, by="rex")
    yield made
    made.stop()


@pytest.fixture
def remote(standins):
    return Remote(standins.vendors.url)


def test_the_control_door_does_every_act_at_its_moment(standins, remote):
    opened = remote.do("open-work", repository=WEB, title="Greet", by="ann")
    remote.do("github/check", repository=WEB, sha=opened["head"]["sha"])
    remote.do("github/review", repository=WEB, number=1, by="bob", at="2026-11-20T10:00:00Z")
    merged = remote.do("github/merge", repository=WEB, number=1, by="bob", at="2026-11-20T11:00:00Z")
    shipped = remote.do("ship", repository=WEB, environment="staging", by="bob", at="2026-11-20T11:05:00Z")

    assert remote.do("pull-request", repository=WEB, number=1)["merged_at"] == "2026-11-20T11:00:00Z"
    assert (shipped["tag"], shipped["created_at"]) == (merged["sha"], "2026-11-20T11:05:00Z")
    assert standins.vendors.github.git(WEB).commit_of("main").committer.at.isoformat() == "2026-11-20T11:00:00+00:00"


def test_an_act_that_is_named_is_done_once_and_at_its_moment(standins, remote):
    asked = {"name": "year/1", "word": "open-work", "at": "2026-01-05T08:00:00Z"}
    arguments = {"repository": WEB, "title": "Greet", "by": "ann", "at": "2026-01-05T08:00:00Z"}

    first = remote.do("once", arguments=arguments, **asked)
    again = remote.do("once", arguments=arguments, **asked)

    assert first == again
    assert (first["number"], first["branch"], len(first["head"])) == (1, "ann/greet", 40)
    assert len(standins.vendors.github.pulls(WEB)) == 1
    held = remote.do("held")
    assert {delivery["headers"]["X-GitHub-Event"] for delivery in held} >= {"pull_request", "push"}
    assert {delivery["at"] for delivery in held if '"opened"' in delivery["body"]} == {"2026-01-05T08:00:00Z"}
    assert remote.do("held") == []
    with pytest.raises(StandInRefused, match="there is no act dance"):
        remote.do("once", name="year/2", word="dance", arguments={}, at="2026-01-05T08:00:00Z")


def test_the_clock_of_all_vendors_is_turned_and_let_go(standins, remote):
    vendors = standins.vendors

    assert remote.do("clock", at="2026-01-05T08:00:00Z") == "2026-01-05T08:00:00Z"
    said = [vendors.github.stamp(None), vendors.fly.moment(None), vendors.cloudflare.moment(None), vendors.doppler.moment(None)]
    assert said == [*["2026-01-05T08:00:00Z"] * 3, "2026-01-05T08:00:00.000Z"]
    assert {forge.stamp(None) for forge in (vendors.gitea, vendors.gitlab)} == {"2026-01-05T08:00:00Z"}
    assert vendors.slack.next_ts().startswith("1767600000.")
    assert remote.do("clock") > "2026-11-01"


def test_the_control_door_says_why_not(remote):
    for act, arguments, says in (
        ("github/merge", {"repository": WEB, "number": 9, "by": "bob"}, "Not Found"),
        ("github/explode", {}, "There is no act"),
        ("fly/explode", {}, "There is no act"),
        ("nothing", {}, "there is no POST"),
        ("github/check", {"repository": WEB, "colour": "red"}, "unexpected keyword"),
        ("open-work", {"repository": "northwind/nothing", "title": "x", "by": "ann"}, "Not Found"),
        ("ship", {"repository": WEB, "environment": "moon", "by": "bob"}, "environment is one of"),
        ("github/review", {"repository": WEB, "number": 1, "by": "bob", "at": "noon"}, "Invalid isoformat"),
    ):
        with pytest.raises(StandInRefused, match=says):
            remote.do(act, **arguments)


def test_the_control_door_is_closed_to_pages(standins):
    url = standins.vendors.url

    assert httpx.get(f"{url}/_control/state").status_code == 403
    assert httpx.get(f"{url}/", headers={"Host": "evil.example"}).status_code == 421
    assert httpx.post(f"{url}/push", data={}, headers={"Origin": "https://evil.example"}).status_code == 403


def test_faults_are_switched_through_the_control_door(standins, remote):
    url = f"{standins.vendors.url}/_control/github/faults"
    headers = {"X-Stand-In": "test"}

    switched = httpx.put(url, json={"rules": [{"fault": "503"}], "hooks": {"duplicate": 1}}, headers=headers).json()["result"]
    refused = httpx.get(f"{standins.vendors.github.api_url}/rate_limit").status_code
    httpx.delete(url, headers=headers)

    assert ([rule["fault"] for rule in switched["rules"]], switched["hooks"]["duplicate"]) == (["503"], 1)
    assert (refused, standins.vendors.github.faults.shown()["rules"]) == (503, [])


def test_the_state_names_addresses_and_keys_that_work(remote):
    state = remote.state()
    token = remote.do("token")

    answer = httpx.get(f"{state['github']['api_url']}/repos/{WEB}", headers={"Authorization": f"Bearer {token}"})

    assert answer.json()["clone_url"] == state["github"]["clone_urls"][WEB]
    assert len(state["github"]["hook_secret"]) == 40
    assert (
        httpx.get(f"{state['fly']['api_url']}/v1/apps?org_slug=*", headers={"Authorization": state["fly"]["token"]}).status_code
        == 200
    )


def test_a_mark_is_remembered(remote):
    before = remote.mark("demo")
    remote.do("mark", name="demo", value="begun")
    remote.do("mark", name="demo", value="filled")

    assert (before, remote.mark("demo")) == (None, "filled")


def press(standins, text, **typed):
    """Presses the first button of this name on the page and returns the text of the page that follows."""
    url = standins.vendors.url
    page = httpx.get(url + "/").text
    for action, inside in re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.S):
        if f">{text}</button>" in inside:
            fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)"[^>]*?value="([^"]*)"', inside)}
            choices = re.findall(r'<select name="(\w+)">.*?<option[^>]*>([^<]+)', inside)
            answer = httpx.post(url + action, data={**fields, **dict(choices), **typed}, follow_redirects=True)
            return unescape(re.search(r'role="status">([^<]*)', answer.text).group(1))
    raise AssertionError(f"no button {text!r}")


def test_a_newcomer_plays_a_change_through_with_the_buttons(standins):
    said = [
        press(standins, "Open a pull request", title='Greet <b>&"nicely"', by="ann"),
        press(standins, "bob approves"),
        press(standins, "bob merges"),
        press(standins, "CI passes"),
        press(standins, "bob merges"),
        press(standins, "Release main to staging"),
        press(standins, "Open the promotion to prod"),
    ]

    assert said[0] == f"ann opened {WEB}#1."
    assert said[1] == "bob reviewed #1: approved."
    assert said[2] == 'Required status check "ci / tests" is expected.'
    assert said[4].startswith("bob merged #1 as ")
    assert said[5] == "northwind-web-staging released as version 1."
    assert said[6] == f"bob opened the promotion #2 of {WEB}."


def test_the_page_can_break_the_rules_too(standins):
    pushed = press(standins, "Push straight to prod", title="Oops", by="rex")
    press(standins, "Release main to staging")
    press(standins, "Release main to staging")

    assert re.fullmatch(rf"rex pushed \w{{12}} straight to prod of {WEB}\.", pushed)
    assert press(standins, "Go back to this") == "northwind-web-staging went back to version 1, as version 3."


def test_what_people_press_while_a_year_is_told_is_done_after_it_at_its_own_time(standins, remote, tmp_path):
    remote.do("clock", at="2026-01-05T08:00:00Z")

    said = press(standins, "Open a pull request", title="Greet", by="ann")

    assert said == "A year is being told here. This is done as soon as it is over."
    assert remote.do("pull-requests", repository=WEB) == []
    assert remote.do("live") is None
    assert run(tmp_path, "open-pr", "--repository", WEB, "--title", "Greet")[0] == 1
    remote.do("clock")
    assert remote.do("waiting") == 1
    [made] = remote.do("pull-requests", repository=WEB)
    assert (made["title"], made["created_at"] > "2026-11") == ("Greet", True)
    assert remote.do("waiting") == 0


def test_what_people_write_is_escaped_everywhere(standins):
    company.open_work(standins.vendors.github, repository=WEB, title="<script>x</script>", by="ann", body="<img src=x>")

    for path in ("/", f"/{WEB}/pull/1", f"/{WEB}/commit/main", "/?said=<script>"):
        answer = httpx.get(standins.vendors.url + path)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/nothing/here/at/all", f"/{WEB}/pull/99", "/northwind/nothing/commit/main"])
def test_a_page_that_is_not_there_is_404(standins, path):
    assert httpx.get(standins.vendors.url + path).status_code == 404


def run(tmp_path, *words):
    program = str(Path(package).with_name("__main__.py"))
    done = subprocess.run(
        [sys.executable, "-P", program, "--data", str(tmp_path / "standins"), *words], capture_output=True, text=True, timeout=30
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def test_the_command_line_plays_a_change_through(standins, tmp_path):
    number = ("--repository", WEB, "--number", "1")
    done = [
        run(tmp_path, "open-pr", "--repository", WEB, "--title", "Greet", "--why", "Polite", "--emergency"),
        run(tmp_path, "merge", *number),
        run(tmp_path, "review", *number, "--by", "bob"),
        run(tmp_path, "check", *number),
        run(tmp_path, "merge", *number, "--method", "squash"),
        run(tmp_path, "promote", "--repository", WEB),
        run(tmp_path, "release", "--repository", WEB),
        run(tmp_path, "direct-push", "--repository", WEB),
    ]

    assert [code for code, _ in done] == [0, 1, 0, 0, 0, 0, 0, 0]
    assert done[0][1] == f"{WEB}#1 {standins.vendors.url}/{WEB}/pull/1"
    assert done[1][1] == "merge: At least 1 approving review is required by reviewers with write access."
    assert standins.vendors.github.pull(WEB, 1)["labels"] == ["emergency"]


def test_the_command_line_without_stand_ins_says_what_to_do(tmp_path):
    code, said = run(tmp_path, "promote", "--repository", WEB)

    assert code == 2
    assert "Start them with `manage.py standins`" in said


def test_the_process_keeps_its_port_and_ends_on_a_signal(tmp_path):
    def served():
        command = [sys.executable, "-P", str(Path(package).with_name("__main__.py")), "serve", "--data", str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        memory = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text()).group(1))
        os.kill(process.pid, signal.SIGTERM)
        code = process.wait(timeout=10 * SHARED)
        process.stdout.close()
        return line.split()[-1], code, memory

    first, second = served(), served()

    assert first[0] == second[0] == last_address(tmp_path)
    assert (first[1], second[1]) == (0, 0)
    assert max(first[2], second[2]) < 44_000


def test_two_processes_do_not_share_a_folder(standins, tmp_path):
    code, said = run(tmp_path, "serve")

    assert (code, "Another process runs the stand-ins" in said) == (1, True)
    assert last_address(tmp_path / "standins") == standins.vendors.url


def test_a_taken_port_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = run(tmp_path, "serve", "--port", str(taken.getsockname()[1]))

    assert (code, "cannot start" in said) == (1, True)


def test_another_port_is_taken_when_the_last_one_stays_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(together, "PORT_WITHIN", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "address").write_text(address)
        made = StandIns(tmp_path)
        moved = made.start()
        made.stop()

    assert moved != address
    assert last_address(tmp_path) == moved


def live_until(standins, wanted, *, most=20):
    acts = []
    for turn in range(most):
        step = step_once(standins.vendors, turn=turn)
        acts.append(step.act if step else None)
        if acts[-1] == wanted:
            break
    return acts


def test_the_company_lives_but_production_waits_for_the_portal(standins):
    github = standins.vendors.github
    acts = live_until(standins, "promote")
    waiting = live_until(standins, None)
    promotion = next(row for row in github.pulls(WEB) if row["base_ref"] == "prod")

    github.check(repository=WEB, sha=promotion["head_sha"], name="Countersign", app="countersign")
    step = next_step(standins.vendors, WEB)
    take(standins.vendors, step, turn=0)

    assert acts == ["open", "check", "review", "merge", "promote"]
    assert waiting == ["check", "review", "open", "open", None]
    assert (step.act, step.number) == ("merge", promotion["number"])
    assert [standins.vendors.fly.releases(company.app_name(WEB, name))[0]["version"] for name in company.ENVIRONMENTS] == [1, 1]


def test_the_living_company_waits_for_a_person_who_wanted_changes(standins):
    step_once(standins.vendors, turn=0)
    step_once(standins.vendors, turn=1)
    standins.vendors.github.review(repository=WEB, number=1, by="bob", state="changes_requested")

    assert next_step(standins.vendors, WEB) is None


def test_the_living_company_begins_when_the_demo_is_filled(standins, remote):
    living = Living(standins.vendors, seconds=0.02)
    living.start()
    before = standins.vendors.github.pulls(WEB)
    remote.do("mark", name="demo", value="filled")
    for _ in range(100):
        if standins.vendors.github.pulls(WEB):
            break
        httpx.get(standins.vendors.url + "/page.css")
    living.stop()

    assert before == []
    assert standins.vendors.github.pulls(WEB)[0]["title"]


def test_everyday_acts_refuse_nonsense(standins):
    with pytest.raises(GitHubError):
        company.promote(standins.vendors.github, repository=WEB, by="ann")
    with pytest.raises(GitHubError):
        company.ship(standins.vendors.github, standins.vendors.fly, repository=WEB, environment="production", by="nobody")
