"""Five hundred people over three versions of the policy: the figures of the page match a count that SQL makes by itself."""

import random
from datetime import timedelta

import pytest
from django.db import connection, transaction

from changes.training import figures, queries
from changes.training.models import Acknowledgement, Attempt
from portal.access.models import RoleGrant, User
from portal.ledger.actions import Draft, append_many
from tests.changes.people import person
from tests.changes.training.world import DAY, adopt, publish
from tests.portal.access.people import LONG_AGO

pytestmark = pytest.mark.django_db
START = LONG_AGO + 60 * DAY
PEOPLE = 500
SEED = 20260302
MOMENTS = (10, 45, 119, 131, 200, 251, 300, 395, 430, 520)

FIGURES = """
WITH moment AS (SELECT %(at)s::timestamptz AS at),
editions AS (
    SELECT 1 AS number, '-infinity'::timestamptz AS effective_at, true AS material
    UNION ALL
    SELECT number, effective_at, material FROM portal_policyversion, moment WHERE state = 'adopted' AND effective_at <= at
),
usable AS (
    SELECT c.policy, greatest(c.published_at, e.effective_at) AS since
    FROM changes_course c JOIN editions e ON e.number = c.policy, moment WHERE c.published_at <= at
),
opening AS (SELECT policy, since FROM usable ORDER BY since, policy LIMIT 1),
later AS (
    SELECT e.number, greatest(e.effective_at, min(u.since)) AS since
    FROM editions e JOIN usable u ON u.policy >= e.number, opening o
    WHERE e.material AND e.number > o.policy GROUP BY e.number, e.effective_at
),
roster AS (
    SELECT g.user_id, min(g.valid_from) AS joined
    FROM portal_rolegrant g, moment WHERE g.role <> 'auditor' AND g.valid_from <= at
    GROUP BY g.user_id HAVING bool_or(g.valid_until IS NULL OR g.valid_until > (SELECT at FROM moment))
),
signed AS (SELECT a.person_id, a.policy, a.at FROM changes_acknowledgement a, moment m WHERE a.at <= m.at),
wanted AS (
    SELECT r.user_id, o.policy AS version, o.since AS begun,
           o.since + interval '30 days' AS due, o.since + interval '30 days' AS blocks
    FROM roster r, opening o WHERE r.joined < o.since
    UNION ALL
    SELECT r.user_id, greatest(o.policy, (SELECT coalesce(max(l.number), 0) FROM later l WHERE l.since <= r.joined)),
           r.joined, r.joined + interval '14 days', r.joined
    FROM roster r, opening o WHERE r.joined >= o.since
    UNION ALL
    SELECT r.user_id, l.number, l.since, l.since + interval '30 days', l.since + interval '30 days'
    FROM roster r JOIN later l ON l.since > r.joined
),
open AS (
    SELECT w.user_id, w.due, w.blocks FROM wanted w, moment
    WHERE w.begun <= at
      AND NOT EXISTS (SELECT FROM signed s WHERE s.person_id = w.user_id AND s.policy >= w.version AND s.at >= w.begun)
    UNION ALL
    SELECT r.user_id, max(s.at) + interval '365 days', max(s.at) + interval '365 days'
    FROM roster r JOIN signed s ON s.person_id = r.user_id GROUP BY r.user_id
)
SELECT count(*),
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM open o, moment WHERE o.user_id = r.user_id AND o.blocks <= at)
                              AND EXISTS (SELECT FROM signed s WHERE s.person_id = r.user_id)),
       count(*) FILTER (WHERE EXISTS (SELECT FROM open o, moment WHERE o.user_id = r.user_id AND o.due <= at))
FROM roster r
"""
LAST_SIGNED = """
SELECT last.policy, count(*) FROM (
    SELECT DISTINCT g.user_id,
           (SELECT a.policy FROM changes_acknowledgement a WHERE a.person_id = g.user_id AND a.at <= %(at)s
            ORDER BY a.at DESC, a.id DESC LIMIT 1) AS policy
    FROM portal_rolegrant g
    WHERE g.role <> 'auditor' AND g.valid_from <= %(at)s AND (g.valid_until IS NULL OR g.valid_until > %(at)s)
) last GROUP BY last.policy ORDER BY last.policy DESC NULLS LAST
"""


def asked(statement, at):
    with connection.cursor() as cursor:
        cursor.execute(statement, {"at": at})
        return cursor.fetchall()


def hired(chance):
    """Five hundred people: most from long ago, some joining later, some leaving, in various roles."""
    people = User.objects.bulk_create(
        User(email=f"p{number}@northwind.example", name=f"P {number:03}", password="!") for number in range(PEOPLE)
    )
    grants = []
    for user in people:
        begins = LONG_AGO if chance.random() < 0.6 else START + chance.randint(1, 400) * DAY
        ends = begins + chance.randint(60, 500) * DAY if chance.random() < 0.15 else None
        role = chance.choice(["engineer", "engineer", "approver", "architect", "auditor"])
        grants.append(RoleGrant(user=user, role=role, at_shell="tests", valid_from=begins, valid_until=ends, reason="For a test."))
    kept(RoleGrant.objects.bulk_create(grants), "role.granted")
    return [(grant.user, grant.valid_from) for grant in grants if grant.role != "auditor"]


def kept(rows, kind):
    append_many(
        drafts=[Draft(stream=f"roster:{kind}", kind=kind, actor="shell:tests", fact={"row": row.pk}, rows=[row]) for row in rows]
    )


def signed(people, courses, chance):
    """Each signs some of what they should, in time or late; some never, some again after a year."""
    attempts, papers = [], []
    for user, joined in people:
        for course, since in courses:
            until = next((later for _, later in courses if later > since), START + 600 * DAY)
            first = max(joined, since) + chance.randint(0, 70) * DAY
            days = [first] if chance.random() < 0.7 and first < until else []
            days += [first + chance.randint(300, 400) * DAY] if days and chance.random() < 0.5 else []
            for at in (day for day in days if day < until):
                attempts.append(
                    Attempt(
                        course=course,
                        person=user,
                        drawn=[],
                        began_at=at - timedelta(minutes=9),
                        ends_at=at + DAY,
                        submitted_at=at,
                        correct=0,
                        passed=True,
                    )
                )
    kept(Attempt.objects.bulk_create(attempts), "quiz.handed_in")
    for attempt in attempts:
        papers.append(
            Acknowledgement(
                person=attempt.person,
                course=attempt.course,
                attempt=attempt,
                policy=attempt.course.policy,
                digest=f"{attempt.pk:064x}",
                authenticated_at=attempt.submitted_at,
                at=attempt.submitted_at,
            )
        )
    kept(Acknowledgement.objects.bulk_create(papers), "policy.acknowledged")
    return len(papers)


@transaction.atomic
def roster():
    """Version 1, a mended version 2 that nobody signs anew, and a material version 3 whose course comes ten days late."""
    chance, mia, dev = random.Random(SEED), person("Mia"), person("Dev")
    one = publish(by=mia, at=START)
    adopt(at=START + 60 * DAY, material=False, by=dev, words="Wording", lines=700)
    adopt(at=START + 220 * DAY, by=dev, words="Smaller is large", lines=300)
    three = publish(by=mia, version=3, at=START + 230 * DAY)
    people = hired(chance)
    return signed(people, [(one, START), (three, START + 230 * DAY)], chance)


def test_the_figures_of_five_hundred_people_match_an_independent_count():
    papers = roster()

    seen = []
    for day in MOMENTS:
        at = START + day * DAY
        found = figures.figures_of(queries.members(at=at))
        counted = asked(FIGURES, at)[0]
        seen.append(counted)
        assert (found.total, found.trained, found.states["late"]) == counted, f"day {day}"
        assert list(found.versions) == asked(LAST_SIGNED, at), f"day {day}"
        assert sum(found.states.values()) == found.total
    assert papers > 400
    assert len({trained for _, trained, _ in seen}) == len(MOMENTS)
    assert all(0 < late < total for total, _, late in seen[2:])


def test_asking_for_everybody_takes_few_queries(django_assert_max_num_queries):
    roster()

    with django_assert_max_num_queries(7):
        members = queries.members(at=START + 300 * DAY)

    assert len(members) > 300
