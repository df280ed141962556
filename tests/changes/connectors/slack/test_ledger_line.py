"""The newest checkpoint as a line in the change channel: at most one an hour, only where it is switched on."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from changes.connectors.models import Source
from changes.connectors.slack.ledger_line import VARIABLE, say_checkpoint
from changes.connectors.tasks import say_checkpoint as task
from portal.ledger.models import LedgerAnchor, LedgerCheckpoint
from portal.ledger.places import places
from portal.ledger.sealer import seal
from portal.outbox.delivery import deliver_due
from tests.portal.ledger.conftest import ORIGIN, note

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_checkpoint_stands_in_the_channel_once_an_hour(source, slack_standin, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv(VARIABLE, raising=False)
    at = now().replace(minute=5)
    assert not say_checkpoint(at=at), "off by itself"
    monkeypatch.setenv(VARIABLE, "on")
    assert not say_checkpoint(at=at), "nothing is signed yet"
    note()
    seal(at=at, where=places(), origin=ORIGIN, force=True)

    assert say_checkpoint(at=at)
    assert not say_checkpoint(at=at + timedelta(minutes=5)), "once an hour"
    deliver_due(now=lambda: now() + timedelta(hours=1))
    [row] = slack_standin.posts(channel="production-changes")
    checkpoint = LedgerCheckpoint.objects.get()
    assert row["text"] == f"Ledger checkpoint: {checkpoint.size} entries"
    assert checkpoint.note.split("\n")[2] in str(row["blocks"])

    task()
    assert not say_checkpoint(at=at + timedelta(hours=2)), "nothing new was signed"
    kept = LedgerAnchor.objects.get(name="slack")
    assert (kept.size, kept.problem) == (checkpoint.size, "")
    note()
    seal(at=at, where=places(), origin=ORIGIN, force=True)
    assert say_checkpoint(at=at + timedelta(hours=2))
    Source.objects.update(paused_at=now())
    deliver_due(now=lambda: now() + timedelta(hours=3))
    Source.objects.update(paused_at=None)
    say_checkpoint(at=at + timedelta(hours=2))
    assert LedgerAnchor.objects.get(name="slack").problem == "not connected: the Slack source is paused"
