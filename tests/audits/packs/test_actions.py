"""Asking for a pack and giving it up, what workers do with it, and which bytes a download asks for."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audits.packs import actions
from audits.packs.models import Pack, PackPiece
from audits.packs.news import pack_news
from audits.packs.ranges import Bytes, asked_for
from changes.talk.news import News
from portal.ledger.models import LedgerLeaf
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.audits.engagements.opened import admitted
from tests.audits.packs.made import frozen, row_of
from tests.changes.people import who

HOUR = timedelta(hours=1)


def small():
    """Uma's engagement with one frozen row."""
    uma, engagement = admitted()
    frozen(engagement, "exceptions", [row_of("exceptions", 1)], by=uma, at=timezone.now())
    return uma, engagement


def kinds(pack):
    return list(LedgerLeaf.objects.filter(stream=f"pack:{pack.pk}").order_by("stream_seq").values_list("kind", flat=True))


def finished(pack, at):
    """Ready with one byte."""
    held = actions.claim(at=at)
    PackPiece.objects.create(pack=held, attempt=held.attempt, position=0, content=b"x")
    assert actions.finish(pack=held, digest="ab" * 32, size=1, at=at)
    return Pack.objects.get(pk=pack.pk)


@pytest.mark.django_db
def test_pack_is_asked_for_by_who_works_in_the_audit_one_at_a_time_and_not_without_end(monkeypatch):
    uma, engagement = admitted()
    at = timezone.now()
    with pytest.raises(Refused, match="Nothing is frozen"):
        actions.ask(engagement=engagement, by=uma, at=at)
    frozen(engagement, "exceptions", [row_of("exceptions", 1)], by=uma, at=at)
    with pytest.raises(Refused, match="may not ask"):
        actions.ask(engagement=engagement, by=who("Ann"), at=at)

    pack = actions.ask(engagement=engagement, by=uma, at=at)

    assert (pack.number, pack.state, pack.contents["rows"], kinds(pack)) == (1, "waiting", 1, ["pack.asked"])
    with pytest.raises(Refused, match="being built for you already"):
        actions.ask(engagement=engagement, by=uma, at=at)
    assert actions.ask(engagement=engagement, by=who("Mia"), at=at).number == 2
    finished(pack, at)
    limits = [("MOST_A_DAY", 1, Refused, "within a day"), ("MOST_ROWS", 0, Refused, "more than 0 rows")]
    for name, value, error, words in [*limits, ("next_number", lambda **asked: 1, Stale, "same moment")]:
        with monkeypatch.context() as patch:
            patch.setattr(actions, name, value)
            with pytest.raises(error, match=words):
                actions.ask(engagement=engagement, by=uma, at=at + HOUR)


@pytest.mark.django_db
def test_pack_is_given_up_once_by_who_asked_or_who_opens_engagements_and_its_file_goes():
    uma, engagement = small()
    at = timezone.now()
    pack = finished(actions.ask(engagement=engagement, by=uma, at=at), at)
    with pytest.raises(Refused, match="Somebody else asked"):
        actions.cancel(pack=pack, by=who("Ann"), at=at)

    actions.cancel(pack=pack, by=who("Mia"), at=at)

    with pytest.raises(Stale, match="cancelled this evidence pack already"):
        actions.cancel(pack=pack, by=uma, at=at)
    assert actions.clear(at=at) == 1
    pack.refresh_from_db()
    assert (pack.state, pack.pieces.count()) == ("cancelled", 0)
    assert kinds(pack) == ["pack.asked", "pack.ready", "pack.given_up", "pack.cancelled"]
    with pytest.raises(Stale, match="it is cancelled"):
        actions.cancel(pack=pack, by=uma, at=at)


@pytest.mark.django_db
def test_worker_that_lost_its_pack_changes_nothing_and_a_third_death_gives_it_up():
    uma, engagement = small()
    at = timezone.now()
    pack = actions.ask(engagement=engagement, by=uma, at=at)
    first = actions.claim(at=at)
    assert actions.claim(at=at) is None
    assert actions.hold(pack=first, at=at, step="Workbook", done=3, steps=9)
    second = actions.claim(at=at + HOUR)
    assert (first.attempt, second.attempt) == (1, 2)

    assert not actions.hold(pack=first, at=at + HOUR)
    assert not actions.finish(pack=first, digest="ab" * 32, size=1, at=at)
    actions.fail(pack=first, why="late", at=at)
    actions.put_off(pack=first, until=at, why="late")

    assert Pack.objects.get(pk=pack.pk).state == "waiting"
    assert actions.claim(at=at + 2 * HOUR).attempt == 3
    assert actions.claim(at=at + 3 * HOUR) is None
    pack.refresh_from_db()
    assert (pack.state, pack.trouble) == ("failed", "3 workers began to build it, and none came to the end.")
    [news] = pack_news(entries_about(stream=f"pack:{pack.pk}", limit=1)[0], [])
    assert isinstance(news, News)
    assert (news.title, list(news.people)) == ("Evidence pack not built: Annual audit, pack 1", [uma.pk])


@pytest.mark.django_db
def test_pack_expires_with_its_bytes_and_its_digest_stays():
    uma, engagement = small()
    at = timezone.now()
    pack = finished(actions.ask(engagement=engagement, by=uma, at=at), at)
    actions.note_taken(pack=pack, by=uma, at=at)

    assert actions.clear(at=at + actions.OFFERED - HOUR) == 0
    assert actions.clear(at=at + actions.OFFERED) == 1

    pack.refresh_from_db()
    assert (pack.state, pack.digest, pack.pieces.count()) == ("expired", "ab" * 32, 0)
    assert kinds(pack)[-2:] == ["pack.taken", "pack.expired"]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", Bytes(0, 99, True)),
        ("bytes=0-", Bytes(0, 99, False)),
        ("bytes=10-19", Bytes(10, 19, False)),
        ("bytes=90-1000", Bytes(90, 99, False)),
        ("bytes=-10", Bytes(90, 99, False)),
        ("bytes=-1000", Bytes(0, 99, False)),
        ("bytes=100-", None),
        ("bytes=-0", None),
        ("bytes=20-10", Bytes(0, 99, True)),
        ("bytes=-", Bytes(0, 99, True)),
        ("bytes=0-1,5-6", Bytes(0, 99, True)),
        ("lines=0-1", Bytes(0, 99, True)),
        (f"bytes=0-{'9' * 30}", Bytes(0, 99, True)),
    ],
)
def test_range_is_read_as_the_standard_has_it(header, wanted):
    assert asked_for(header, size=100) == wanted
