"""The rules of the house that no other tool checks: sizes, index modules, migrations, reasons, nothing of one machine."""

import ast
import importlib
import re
import statistics
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from celery import Task
from django.apps import apps
from django.core.management import call_command

from tests.branches import enforced, missed

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("portal", "changes", "audits")
LONGEST_FILE, MOST_FILES = 400, 200
LONGEST_TEST_FILE = 600  # tables of cases are long and read well as one
LONGEST_FUNCTION, MOST_FUNCTIONS = 50, 25
# Folders and package sources that only make sense on the machine of whoever wrote the line.
FOREIGN = re.compile(r"(?<![\w./-])/(?:work|root|home|opt)/\w|--(?:extra-)?index-url|--find-links|--trusted-host|\bpyenv\b")


def sources():
    """Our own code: no tests, no migrations (Django writes those)."""
    return [path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]


def tracked():
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def lengths_of_files():
    return {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}


def lengths_of_functions():
    found = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = node.end_lineno - node.lineno + 1
    return found


def ninth_tenth(values):
    return statistics.quantiles(values, n=10)[8]


@pytest.mark.parametrize(
    ("measure", "longest", "most"),
    [(lengths_of_files, LONGEST_FILE, MOST_FILES), (lengths_of_functions, LONGEST_FUNCTION, MOST_FUNCTIONS)],
)
def test_files_and_functions_stay_within_their_budget(measure, longest, most):
    lengths = measure()

    assert {name: lines for name, lines in lengths.items() if lines > longest} == {}
    assert ninth_tenth(lengths.values()) <= most


def test_tests_stay_within_a_longest_file_too():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in (ROOT / "tests").rglob("*.py")}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_TEST_FILE} == {}


def features(app, name):
    """Dotted names of the modules `name` in the feature folders of an app."""
    for path in sorted((ROOT / app).rglob(f"{name}.py")):
        if path.parent != ROOT / app:
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("app", APPS)
def test_every_model_of_a_feature_is_in_the_index(app):
    index = importlib.import_module(f"{app}.models")
    known = {getattr(index, name) for name in index.__all__}

    missing = [
        f"{module}.{model.__name__}"
        for module in features(app, "models")
        for model in apps.get_app_config(app).get_models()
        if model.__module__ == module and model not in known
    ]

    assert missing == []


@pytest.mark.parametrize("app", APPS)
def test_every_module_with_models_is_imported_by_the_index(app):
    """A module that nobody imports has models that Django does not know: look at the text, not at the registry."""
    text = (ROOT / app / "models.py").read_text()

    assert [module for module in features(app, "models") if f"from {module} import" not in text] == []


@pytest.mark.parametrize("app", APPS)
def test_every_task_of_a_feature_is_in_the_index(app):
    index = importlib.import_module(f"{app}.tasks")
    listed = {value.name for name in getattr(index, "__all__", ()) if isinstance(value := getattr(index, name), Task)}
    there = {
        value.name
        for module in features(app, "tasks")
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, Task) and value.name.startswith(module)
    }

    assert there - listed == set()


def test_every_task_of_the_schedule_exists():
    schedule = importlib.import_module("portal.schedule")
    celery = importlib.import_module("portal.celery").app
    for app in APPS:
        importlib.import_module(f"{app}.tasks")

    wanted = {entry.task for entry in schedule.SCHEDULE} | set(schedule.WAKE.values())

    assert wanted - set(celery.tasks) == set()


def test_every_file_whose_branches_are_counted_is_loaded():
    """A file that nothing imports is measured as missed; here it is said which, in seconds."""
    counted = enforced()

    for path in counted:
        importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))

    assert len(counted) > 80


def test_a_missed_branch_or_an_unmeasured_file_is_found():
    whole = {"executed_lines": [1, 2], "missing_lines": [], "executed_branches": [[1, 2]], "missing_branches": []}
    holed = {**whole, "missing_branches": [[1, 0]]}

    assert missed({"a.py": whole}, {"a.py"}) == ([], 2, 1)
    assert missed({"a.py": whole, "b.py": holed}, {"a.py", "b.py", "c.py"}) == (
        [("b.py", [], [[1, 0]]), ("c.py", ["all"], [])],
        4,
        3,
    )


@pytest.mark.django_db
def test_no_migration_is_missing():
    said = StringIO()

    call_command("makemigrations", "--check", "--dry-run", stdout=said)

    assert said.getvalue().strip() == "No changes detected"


def test_every_package_has_a_version_and_a_reason():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]

    assert [line for line in lines if not re.fullmatch(r"[\w.\[\],-]+==[\w.]+\s+# \S.{10,}", line)] == []
    assert 0 < len(lines) <= 25


def test_every_development_tool_has_a_version_and_every_exception_of_the_linter_a_reason():
    text = (ROOT / "pyproject.toml").read_text()
    tools = re.search(r"^dev = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)[1].strip().splitlines()
    ignored = re.search(r"^ignore = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)[1].strip().splitlines()

    assert [line for line in tools if not re.fullmatch(r'\s*"[\w.\[\]-]+==[\w.]+",\s+# \S.{8,}', line)] == []
    assert [line for line in ignored if not re.search(r"# \S.{8,}", line)] == []


@pytest.mark.parametrize("mark", [r"# noqa", r"# type: ignore", r"# pragma: no cover"])
def test_every_exception_in_the_code_has_a_reason_on_its_line(mark):
    pattern = re.compile(mark + r"(?:\[[\w, -]+\]|: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*)?(.*)$")
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*sources(), *(ROOT / "tests").rglob("*.py")]
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if path != Path(__file__) and (found := pattern.search(line)) and len(found[1].strip(" #-–—")) < 8
    ]

    assert bare == []


def test_nothing_is_left_to_do_later():
    later = re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b")

    assert [
        str(path.relative_to(ROOT)) for path in [*sources(), *(ROOT / "tests").rglob("*.py")] if later.search(path.read_text())
    ] == []


def test_no_machine_and_no_registry_is_named():
    found = []
    for path in tracked():
        if path.suffix in {".png", ".woff2", ".ico", ".gz"} or path == Path(__file__) or "payloads" in path.parts:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            if FOREIGN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")

    assert found == []


def test_nothing_that_never_changes_is_locked():
    """The portal's role may insert into append-only tables and read them: ``SELECT … FOR UPDATE`` there fails where it matters."""
    modules = [importlib.import_module(f"{app}.evidence") for app in APPS]
    fixed = {table.model.partition(".")[2] for module in modules for table in module.EVIDENCE if table.append_only}
    asked = re.compile(r"\b(\w+)\.objects(?:\s*\.\w+\([^()]*\))*\s*\.select_for_update\(")

    locked = {match[1]: path.name for path in sources() for match in asked.finditer(path.read_text())}

    assert len(fixed) > 20
    assert len(locked) > 20
    assert {name: locked[name] for name in fixed & locked.keys()} == {}
