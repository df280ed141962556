"""The map of the policy is generated and current."""

from dataclasses import replace
from io import StringIO

from django.conf import settings
from django.core.management import call_command

from audits.controls.catalogue import CONTROLS
from audits.controls.coverage import policy_map
from portal.policy.clauses import Clause

PAGE = settings.BASE_DIR / "docs" / "policy-map.md"


def test_the_page_in_the_documentation_is_current():
    assert PAGE.read_text() == policy_map(), "run manage.py policy_map"


def test_the_map_has_one_row_a_clause_of_seven_cells():
    rows = [line for line in policy_map().splitlines() if line.startswith("| P-")]

    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [str(clause) for clause in Clause]
    assert {row.count(" | ") for row in rows} == {6}


def test_the_map_names_the_gates_of_a_clause():
    row = next(line for line in policy_map().splitlines() if line.startswith("| P-09"))

    assert row.split(" | ")[2] == "4 Review, 5 CI"


def test_the_map_says_why_a_control_comes_later():
    later = replace(CONTROLS[Clause.LOGGED], check="", later="Comes with Slack.")
    row = next(line for line in policy_map({**CONTROLS, Clause.LOGGED: later}).splitlines() if line.startswith("| P-14"))

    assert row.endswith("| Not yet. Comes with Slack. |")


def test_the_command_prints_and_writes_the_map(tmp_path, settings):
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    printed, told = StringIO(), StringIO()

    call_command("policy_map", "--print", stdout=printed)
    call_command("policy_map", stdout=told)

    assert printed.getvalue() == policy_map()
    assert (tmp_path / "docs" / "policy-map.md").read_text() == policy_map()
    assert told.getvalue() == "Wrote docs/policy-map.md.\n"
