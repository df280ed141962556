"""Our own rules over the syntax hold everywhere, each exception has its reason, and each rule finds what it is there to find."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.architecture.code_rules import RULES, findings, found_by
from tests.architecture.test_house import ROOT, sources

OURS = "names and numbers of our own, none of anybody's"
TOOLS = "a tool for the shell, no part of what answers people"
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("built_sql", "portal/rows.py"): "names of tables and columns are those of Django's models; values go beside the statement",
    (
        "built_sql",
        "portal/prepared.py",
    ): "a name and a statement of our own, made by the ORM; its one value goes beside it",
    ("built_sql", "portal/ledger/guards.py"): "names of tables of portal/evidence.py, quoted",
    ("built_sql", "portal/runtime/backup.py"): "psycopg.sql quotes the name of a table that PostgreSQL itself told",
    ("built_sql", "portal/runtime/scheduler.py"): "the name of our own channel",
    ("built_sql", "portal/ui/switchboard.py"): "the name of our own channel",
    ("built_sql", "portal/standins"): "the demo's own SQLite, no evidence in it",
    (
        "built_sql",
        "changes/completeness/counting.py",
    ): "statements of our own round which counting is put",
    ("built_sql", "changes/connectors/storing.py"): "as many rows of placeholders as there are deliveries",
    ("built_sql", "changes/proposals/searching"): "names of our own functions; what was typed goes as parameters",
    ("built_sql", "audits/engagements/numbering.py"): "the name of a model's table",
    ("built_sql", "audits/engagements/wall.py"): "names of our own roles, and two times as constants",
    ("built_sql", "changes/desk/bench"): OURS,
    ("marked_safe", "portal/ui"): "this is where components are drawn: each part is escaped or drawn before",
    ("marked_safe", "changes/desk/board.py"): "a card of drawn parts; titles and names go through visible()",
    ("marked_safe", "changes/desk/list_rows.py"): "a row of drawn cells; titles and names go through visible()",
    ("marked_safe", "changes/desk/list_views.py"): "rows that list_rows has drawn, one after the other",
    ("goes_out", "changes/connectors/http.py"): "this is the client",
    ("goes_out", "changes/connectors/git/mirror.py"): "looks the forge up, so that git calls the very address that was judged",
    (
        "goes_out",
        "portal/access/outside_views.py",
    ): "names the error of the library with which allauth asks",
    ("goes_out", "portal/outbox/mail.py"): "names the errors of the mail server of the settings",
    ("goes_out", "portal/runtime"): "ports and sockets of our own programs on this machine",
    ("goes_out", "portal/standins"): "the vendors of the demo, which talk to the portal on this machine",
    ("goes_out", "changes/desk/bench"): TOOLS,
    (
        "patterns_from_people",
        "changes/proposals/paths.py",
    ): "wildcards as fnmatch translates them: what a star has taken it does not give back, so no path takes long",
    ("opens_objects", "portal/paper.py"): "escape() alone: nothing is parsed",
    ("opens_objects", "audits/packs/workbook.py"): "escape() alone: nothing is parsed",
    ("reads_without_scope", "changes/connectors/pages.py"): "counts of a source; auditors do not see the deliveries behind them",
    (
        "reads_without_scope",
        "changes/desk/access/merger_views.py",
    ): "the page on which a list is proposed, closed to auditors",
    ("reads_without_scope", "changes/desk/approving/bulk_views.py"): "judges again what was approved just now",
    ("reads_without_scope", "changes/desk/inventory"): "found through a case in scope, or for those who keep the inventory",
    ("reads_without_scope", "changes/desk/meetings/matrix_views.py"): "decisions of changes that were found in scope",
    ("reads_without_scope", "changes/desk/meetings/series_views.py"): "dates of a series; who may see meetings sees all of them",
    ("reads_without_scope", "changes/desk/proposing"): "forms of those who propose, which auditors may not open",
    ("reads_without_scope", "changes/desk/bench"): TOOLS,
    ("starts_programs", "portal/runtime/account.py"): "at the start, by hand, as root",
    ("starts_programs", "portal/runtime/around.py"): "runs what somebody asked for at the shell, until it ends",
    ("starts_programs", "portal/runtime/assets.py"): "builds the style sheet at the start",
    ("starts_programs", "portal/standins"): "git of the demo's repositories, on this machine",
    ("starts_programs", "changes/desk/bench"): TOOLS,
    ("leads_anywhere", "portal/access/guards.py"): "re-authentication with the page to return to, which was checked to be ours",
    ("leads_anywhere", "portal/access/outside_views.py"): "a name of ours, or what allauth makes for a provider of the settings",
    ("leads_anywhere", "portal/home/views.py"): "a page of the navigation",
    ("leads_anywhere", "portal/ui/answers.py"): "go(): its callers give names of ours",
    ("leads_anywhere", "portal/ui/theme.py"): "the page before, checked to be ours",
    ("leads_anywhere", "changes/desk/list_views.py"): "begins with a name of ours",
    ("leads_anywhere", "changes/desk/saved_views.py"): "begins with a name of ours",
    ("leads_anywhere", "changes/desk/meetings"): "begins with a name of ours",
    ("leads_anywhere", "audits/samples/views.py"): "begins with a name of ours",
    ("compares_secrets", "portal/access/forms.py"): "two fields of one form, both typed by the same person",
    ("compares_secrets", "changes/connectors/actions.py"): "what an administrator gives, with what is kept: nobody else can ask",
    ("compares_secrets", "portal/standins"): "tokens of the demo, which are shown on its pages",
    ("exempt_from_csrf", "changes/connectors/views.py"): "deliveries are signed with their own secret",
    ("exempt_from_csrf", "portal/access/scim/views.py"): "a directory sends its token",
    ("exempt_from_csrf", "portal/ui/reports.py"): "a browser reports without a form, and it is only logged",
    ("exempt_from_csrf", "changes/desk/bench"): TOOLS,
    ("goes_round_the_wall", "changes/desk/bench"): TOOLS,
    ("patterns_from_people", "portal/forms_of_secrets.py"): "a table of patterns of our own",
    ("patterns_from_people", "portal/ledger/fingerprint.py"): "names of our own functions and roles",
    ("patterns_from_people", "portal/standins"): "routes and faults of the demo",
    ("patterns_from_people", "portal/ui/lean.py"): "patterns of the settings",
    ("patterns_from_people", "portal/ui/lint.py"): "a table of patterns of our own",
    ("patterns_from_people", "changes/proposals/classification.py"): "words of the policy's parameters",
    ("patterns_from_people", "changes/proposals/stages.py"): "a table of patterns of our own",
    ("patterns_from_people", "audits/engagements/wall.py"): "made of another pattern of ours",
    ("numbers_of_other_signs", "changes/proposals/material.py"): "looks for signs of a number in a text; nothing becomes one",
}
"""(rule, file or folder) → why it may."""

PLANTED = [
    ("built_sql", "def f(c, x):\n    c.execute(f'SELECT {x}')"),
    ("built_sql", "def f(c, x):\n    c.execute('SELECT %s' % x)"),
    ("built_sql", "def f(c, x):\n    sql = 'SELECT ' + x\n    c.execute(sql)"),
    ("built_sql", "Change.objects.raw('SELECT {}'.format(x))"),
    ("marked_safe", "mark_safe(title)"),
    ("marked_safe", "SafeString(f'<b>{title}</b>')"),
    ("goes_out", "import requests"),
    ("goes_out", "from urllib import request"),
    ("goes_out", "from http.client import HTTPConnection"),
    ("runs_text", "eval(text)"),
    ("runs_text", "subprocess.run(words, shell=True)"),
    ("runs_text", "os.system(words)"),
    ("opens_objects", "import pickle"),
    ("opens_objects", "from xml.etree import ElementTree"),
    ("opens_objects", "yaml.load(text)"),
    ("logs_what_came", "log.info('asked', body=request.body)"),
    ("logs_what_came", "log.warning('asked %s', request.POST)"),
    ("logs_what_came", "self.log.error('failed', extra={'t': token})"),
    ("reads_without_scope", "def f(request, pk):\n    return get_object_or_404(Release, pk=pk)"),
    ("reads_without_scope", "def f(request):\n    return list(Change.objects.all())"),
    ("starts_programs", "subprocess.run('git ' + name, timeout=3)"),
    ("starts_programs", "subprocess.run(['git', name])"),
    ("leads_anywhere", "redirect(request.GET['next'])"),
    ("leads_anywhere", "HttpResponseRedirect(f'//{host}/')"),
    ("leads_anywhere", "redirect(f'{where}/')"),
    ("compares_secrets", "signature == computed"),
    ("compares_secrets", "if given.token != row.token: pass"),
    ("takes_every_field", "class Meta:\n    fields = '__all__'"),
    ("takes_every_field", "class Meta:\n    exclude = ['state']"),
    ("exempt_from_csrf", "@csrf_exempt\ndef f(request): pass"),
    ("goes_round_the_wall", "Change.objects.using('other')"),
    ("goes_round_the_wall", "work.delay(1)"),
    ("patterns_from_people", "re.search(request.GET['q'], text)"),
    ("patterns_from_people", "re.compile(rf'{word}x')"),
    ("trusts_anybody", "context.verify_mode = ssl.CERT_NONE"),
    ("trusts_anybody", "ask(verify=False)"),
    ("trusts_anybody", "handle.setopt(pycurl.SSL_VERIFYPEER, 0)"),
    ("numbers_of_other_signs", "int(text) if text.isdigit() else 0"),
]
FINE = [
    ("built_sql", "def f(c, x):\n    c.execute('SELECT %s', [x])\n    c.execute(ROWS + MORE, [x])"),
    ("marked_safe", "SafeString(' open')\nformat_html('<b>{}</b>', title)"),
    ("goes_out", "from urllib.parse import urlsplit\nimport httptools"),
    ("runs_text", "subprocess.run(words, shell=False)\nre.compile('x')"),
    ("opens_objects", "import json\nyaml.safe_load(text)"),
    ("logs_what_came", "log.info('asked', path=request.path)\nform.errors.log(body)"),
    ("reads_without_scope", "@require_POST\ndef f(request, pk):\n    return get_object_or_404(Release, pk=pk)"),
    ("reads_without_scope", "def f(request, pk):\n    return inside(Release.objects.all(), scope_for(request))"),
    ("starts_programs", "subprocess.run(['git', name], timeout=3)\nsubprocess.Popen([name])"),
    ("leads_anywhere", "redirect('changes')\nredirect(f'/changes/{number}/')\nHttpResponseRedirect(reverse('x'))"),
    ("compares_secrets", "compare_digest(signature, computed)\ntoken == ''\nstate == 'open'"),
    ("takes_every_field", "class Meta:\n    fields = ['name']"),
    ("goes_round_the_wall", "enqueue(kind='x')"),
    ("patterns_from_people", "re.compile('a')\nre.search(NAME, text)\nre.compile(rf'{re.escape(word)}x')"),
    ("trusts_anybody", "ask(verify=True)"),
    ("numbers_of_other_signs", "int(text) if text.isdecimal() else 0"),
]


def found():
    """{(rule, path): lines} in all of our code."""
    everywhere = {}
    for path in sources():
        name = str(path.relative_to(ROOT))
        for (broken, line), what in findings(name, path.read_text()).items():
            everywhere.setdefault((broken, name), []).append(f"{line}: {what}")
    return everywhere


def excepted(broken, path):
    """The exception that covers a file, if there is one."""
    return next((key for key in EXCEPTIONS if key[0] == broken and (path == key[1] or path.startswith(key[1] + "/"))), None)


def test_the_rules_hold_everywhere_but_where_a_reason_stands():
    seen = found()

    assert {key: lines for key, lines in seen.items() if excepted(*key) is None} == {}
    assert EXCEPTIONS.keys() - {excepted(*key) for key in seen} == set(), "an exception for what is not there any more"
    assert [key for key, reason in EXCEPTIONS.items() if len(reason.split()) < 4] == []


@pytest.mark.parametrize(("name", "text"), PLANTED)
def test_a_rule_finds_what_it_is_there_to_find(name, text):
    assert len(found_by(name, text)) >= 1


@pytest.mark.parametrize(("name", "text"), FINE)
def test_a_rule_lets_good_code_pass(name, text):
    assert found_by(name, text) == []


def test_every_rule_has_something_planted():
    assert {name for name, _ in PLANTED} == RULES.keys()


def test_templates_mark_nothing_as_html_but_the_picture_for_the_authenticator():
    unsafe = re.compile(r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq\b")
    marked = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for line in path.read_text().splitlines()
        if unsafe.search(line)
    ]

    assert [line.partition(":")[0] for line in marked] == ["templates/mfa/totp/activate_form.html"]
    assert unsafe.search("{{ title|safe }}")


def test_the_security_patterns_of_the_linter_are_switched_on():
    """ruff's S is bandit's list. Off for all: only what is named here; each has its reason beside it in pyproject.toml."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    planted = "import subprocess\nsubprocess.run(name, shell=True)\nassert True\npassword = 'x' + str(eval(name))\n"

    assert {"S", "BLE", "DTZ", "B"} <= set(linter["select"])
    assert {rule for rule in linter["ignore"] if rule.startswith("S") and rule[1:].isdigit()} == {"S101", "S603", "S607"}
    assert [path for path, rules in linter["per-file-ignores"].items() if "S" in rules] == ["tests/**"]
    words = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--output-format",
        "concise",
        "--stdin-filename",
        "portal/x.py",
        "-",
    ]
    found = subprocess.run(words, input=planted, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30).stdout
    assert {"S602", "S307"} <= set(re.findall(r"\bS\d{3}\b", found))
