"""The population of whole histories, mirrored by the connector, against ``git rev-list`` on the repository that it came from."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from changes.completeness.queries import sheet_of
from changes.connectors.git.mirror import folder_of, mirror_repository
from changes.delivery import git
from changes.delivery.models import BranchCommit, Repository
from portal.access.scope import EVERYTHING
from tests.changes.connectors.git import histories
from tests.changes.connectors.git.histories import rev_list
from tests.changes.delivery.workshop import START, Workshop

pytestmark = pytest.mark.django_db
SEEN = START + timedelta(days=400)
ALWAYS = datetime(2500, 1, 1, tzinfo=UTC)
EVER = datetime(1900, 1, 1, tzinfo=UTC)
SCOPE = datetime(2400, 1, 1, tzinfo=UTC)
"""All is history, so that no merge is compared: that is another test's."""
PLACES = ("apps/web", "apps/web2", "apps/api", "docs", "caf\udce9/[web]*", "portal", "lib", "README.md")


@pytest.fixture(params=["odd", "real"])
def forge(request, tmp_path, settings):
    """The repository at the forge. Where no real history can be had, the odd one stands for it once more."""
    settings.DATA_DIR = tmp_path / "data"
    settings.GIT_PROTOCOLS = ["file"]
    folder = tmp_path / "forge.git"
    if request.param == "odd" or not histories.real(folder):
        histories.odd(tmp_path / "odd.git")
        return tmp_path / "odd.git"
    return folder


def swept(repository, at=SEEN):
    found = mirror_repository(repository=repository, at=at, seconds=600)
    assert found is not None, repository.mirror_error
    assert repository.mirror_error == ""
    return found


def on_record(repository, branch):
    rows = BranchCommit.objects.filter(repository=repository, branch=branch, gone_at=None)
    return list(rows.order_by("-position").values_list("sha", flat=True))


def touching(repository, branch, place):
    """The commits that changed a place, newest first: a file, or what lies below a folder."""
    shown = place.encode(errors="surrogateescape").decode(errors="backslashreplace")
    rows = BranchCommit.objects.filter(repository=repository, branch=branch, gone_at=None).order_by("-position")
    return [sha for sha, paths in rows.values_list("sha", "paths") if any(f"{path}/".startswith(f"{shown}/") for path in paths)]


def in_sheet(since, until):
    sheet = sheet_of(since=since, until=until, scope=EVERYTHING, at=ALWAYS)
    return {line.place: line.at_source for line in sheet.forward if line.population == "commits" and line.at_source}


def windows(folder):
    """Each third of the history by the clock of its committers, and how Git asks for it."""
    clocks = rev_list(folder, "--first-parent", "--no-commit-header", "--format=%ct", "main")
    times = sorted(int(clock) for clock in clocks if int(clock) < ALWAYS.timestamp())
    edges = [times[0], times[len(times) // 3], times[2 * len(times) // 3], times[-1]]
    for since, until in itertools.pairwise(edges):
        asked = (f"--since-as-filter=@{since}", f"--until=@{until - 1}")
        yield datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC), asked


def test_what_is_on_record_is_what_git_counts_also_when_branches_are_rewritten_and_renamed(forge):
    web = Repository.objects.create(name="northwind/web", clone_url=f"file://{forge}", in_scope_from=SCOPE)
    swept(web)

    _branches(web, forge)
    _refs(folder_of(web), forge)
    _windows(forge)
    assert not swept(web, at=SEEN + timedelta(hours=1)).changed
    before, after = rev_list(forge, "--first-parent", "main"), rewritten(forge)
    found = swept(web, at=SEEN + timedelta(hours=2)).main
    lost = BranchCommit.objects.filter(repository=web, branch="main").exclude(gone_at=None).order_by("-position")
    assert on_record(web, "main") == after
    assert list(lost.values_list("sha", flat=True)) == [sha for sha in before if sha not in set(after)]
    assert (found.added, found.gone) == ((after[0],), lost.count())
    histories.git(forge, "branch", "--move", "main", "trunk")
    web.main_branch = "trunk"
    web.save()
    swept(web, at=SEEN + timedelta(hours=3))
    assert on_record(web, "trunk") == after
    assert set(in_sheet(EVER, ALWAYS)) == {"northwind/web trunk", "northwind/web prod"}


def rewritten(forge):
    """A third of main is cut off and one commit written in its place; the first parents that are there then."""
    workshop = Workshop.at(forge)
    shas = rev_list(forge, "--first-parent", "main")
    workshop.point("main", shas[len(shas) // 3])
    workshop.commit(files={"apps/web2/other.py": "1"}, message="written over what was there")
    return rev_list(forge, "--first-parent", "main")


def _branches(web, forge):
    for branch in ("main", "prod"):
        assert on_record(web, branch) == rev_list(forge, "--first-parent", branch)
        merges = BranchCommit.objects.filter(repository=web, branch=branch, parents__len__gt=1).count()
        assert merges == len(rev_list(forge, "--first-parent", "--merges", branch))
    for place in PLACES:
        assert touching(web, "main", place) == rev_list(forge, "--first-parent", "main", "--", place), place


def _refs(mirror, forge):
    """Branches, tags, and the whole history behind them, merged branches and all."""
    released, tip = git.tip(folder=mirror, branch="prod"), git.tip(folder=mirror, branch="main")
    brought = [commit.sha for commit in git.commits_between(folder=mirror, base=released, head=tip)]
    assert sorted(brought) == sorted(rev_list(forge, "main", "^prod"))
    for what in (["main"], ["--all"], ["--tags", "--no-walk"]):
        assert rev_list(mirror, *what) == rev_list(forge, *what), what
    every = ("for-each-ref", "--format=%(objectname) %(objecttype) %(*objectname) %(refname)", "refs/heads", "refs/tags")
    assert histories.git(mirror, *every) == histories.git(forge, *every)


def _windows(forge):
    for since, until, asked in windows(forge):
        counts = {branch: len(rev_list(forge, "--first-parent", *asked, branch)) for branch in ("main", "prod")}
        assert in_sheet(since, until) == {f"northwind/web {branch}": count for branch, count in counts.items() if count}


def test_the_odd_history_has_its_odd_forms_and_nothing_laid_over_it_is_believed(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    settings.GIT_PROTOCOLS = ["file"]
    forge = tmp_path / "forge.git"
    histories.odd(forge)
    web = Repository.objects.create(name="northwind/web", clone_url=f"file://{forge}", in_scope_from=SCOPE)
    swept(web, at=START)
    whole = on_record(web, "main")
    BranchCommit.objects.all().delete()
    mirror = folder_of(web)
    for folder in (forge, mirror):
        histories.git(folder, "replace", "main~2", "main~9")
    (mirror / "info").mkdir(exist_ok=True)
    (mirror / "info" / "grafts").write_text(f"{whole[5]} {whole[-1]}\n")

    swept(web)

    assert on_record(web, "main") == whole
    assert len(histories.git(mirror, "rev-list", "--first-parent", "main", env={}).split()) < len(whole)
    rows = BranchCommit.objects.filter(repository=web, branch="main")
    assert sorted(rows.values_list("parents__len", flat=True)) == [0, *[1] * 10, 2, 2, 2, 3]
    assert rows.get(committed_at__year=1970).subject == "no date at all"
    assert rows.filter(paths=[]).count() == 3
    assert rows.filter(author_name="Ann \\xe9", subject="caf\\xe9", paths=["caf\\xe9/[web]*"]).count() == 1
    assert rows.filter(subject__contains="café without an end").count() == 1
