"""No migration holds up a running portal for long, or breaks the release before it, without a reason that somebody wrote down."""

import uuid

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    DeleteModel,
    RemoveField,
    RenameField,
    RunPython,
)
from django.db.migrations.state import ProjectState
from django.db.models.functions import Now

from tests.architecture.migrations import doubts

LAST_FOUNDING = {"portal": "0014", "changes": "0009", "audits": "0007"}
"""Up to these every installation is founded; what comes after has to reach a portal that runs."""
PEOPLE_OF_AUDITS = "a handful of people for each audit of a company: some hundred rows after ten years"
GRANTS = "some hundred grants of roles, checked in a millisecond"
REASONS: dict[tuple[str, str, str], str] = {
    ("audits", "0008_jobs_and_additions", "Create index admission_of_person on field(s) person, engagement of model admission"): (
        PEOPLE_OF_AUDITS
    ),
    ("audits", "0008_jobs_and_additions", "Create constraint admission_added_whole on model admission"): PEOPLE_OF_AUDITS,
    ("audits", "0008_jobs_and_additions", "Create constraint admission_added_by_two_others on model admission"): PEOPLE_OF_AUDITS,
    (
        "changes",
        "0013_bodies",
        "Raw SQL operation",
    ): "settings of the vacuum: its lock stops neither readers nor writers",
    ("portal", "0015_learner", "Create constraint role_grant_known_role on model rolegrant"): GRANTS,
    ("portal", "0015_learner", "Create constraint role_grant_privileged_by_two on model rolegrant"): GRANTS,
}
"""(app, migration, operation in Django's words) → why it may: how many rows, or which release stopped reading."""


def later_migrations():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app in LAST_FOUNDING and name[:4] > LAST_FOUNDING[app]:
            yield app, name, migration, loader.project_state((app, name), at_end=False)


def test_every_doubtful_operation_has_a_reason():
    found = {
        (app, name, what): why
        for app, name, migration, before in later_migrations()
        for what, why in doubts(app=app, migration=migration, before=before)
    }

    assert {key: why for key, why in found.items() if key not in REASONS} == {}
    assert REASONS.keys() - found.keys() == set(), "a reason for what is not there any more"
    assert [key for key, reason in REASONS.items() if len(reason.split()) < 4] == []


# The linter itself: it finds what it is there to find, and lets pass what is cheap.

ID = ("id", models.BigAutoField(primary_key=True))
THING = CreateModel("Thing", [ID, ("name", models.CharField(max_length=9)), ("note", models.TextField(null=True))])
OTHER = CreateModel("Other", [ID])


def judged(*operations):
    before = ProjectState()
    THING.state_forwards("trial", before)
    migration = Migration("0002_trial", "trial")
    migration.operations = list(operations)
    return [why for _, why in doubts(app="trial", migration=migration, before=before)]


def add(field):
    return AddField("thing", "more", field)


def alter(name, field):
    return AlterField("thing", name, field)


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (add(models.UUIDField(default=uuid.uuid4)), "inserts rows without it"),
        (add(models.IntegerField(default=0)), "inserts rows without it"),
        (add(models.DateTimeField(db_default=Now())), "not constant"),
        (add(models.IntegerField(null=True, unique=True)), "its index"),
        (add(models.GeneratedField(expression=models.F("id"), output_field=models.IntegerField(), db_persist=True)), "generated"),
        (alter("name", models.TextField()), "another type"),
        (alter("name", models.CharField(max_length=5)), "shorter type"),
        (alter("name", models.CharField(max_length=9, unique=True)), "its index"),
        (alter("note", models.TextField()), "every row is read"),
        (AddIndex("thing", models.Index("name", name="trial_name")), "AddIndexConcurrently"),
        (AddConstraint("thing", models.CheckConstraint(condition=models.Q(id__gt=0), name="trial_id")), "NOT VALID"),
        (RemoveField("thing", "note"), "expand now"),
        (RenameField("thing", "note", "remark"), "expand now"),
        (DeleteModel("Thing"), "expand now"),
        (RunPython(lambda apps, editor: None), "nobody but a person"),
    ],
    ids=lambda value: value.describe() if hasattr(value, "describe") else value,
)
def test_what_locks_or_breaks_is_found(operation, why):
    [found] = judged(operation)

    assert why in found


def test_what_is_cheap_passes():
    assert (
        judged(
            OTHER,
            AddField("other", "more", models.UUIDField(default=uuid.uuid4)),
            AddIndex("other", models.Index("id", name="trial_other")),
            AddField("thing", "other", models.ForeignKey("trial.other", on_delete=models.PROTECT, null=True)),
            AddField("thing", "size", models.IntegerField(db_default=0)),
            AlterField("thing", "name", models.CharField(max_length=20)),
            AddIndexConcurrently("thing", models.Index("name", name="trial_size")),
        )
        == []
    )
