"""Whoever contributed, by any identity, never counts as reviewer or approver: random people, accounts and reviews.

The oracle is written apart from the rules: it looks for one review that is beyond reproach.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from changes.delivery.actor import Actor
from changes.gates.facts import GateState, ReviewFact
from changes.gates.rules import review_finding
from changes.gates.rules.approving import approval
from portal.policy.parameters import DEFAULT
from tests.changes.gates.build import HEAD, MERGED_TO_PROD, OLD, ApprovalFact, change, hotfix, merged, minute

PEOPLE = st.one_of(st.none(), st.integers(1, 4))
ACCOUNTS = st.builds(
    lambda person, number, bot: Actor(f"github:{number}", f"account{number}", person=person, bot=bot),
    PEOPLE,
    st.integers(1, 6),
    st.booleans(),
)
REVIEWS = st.lists(
    st.builds(
        lambda by, state, commit, at: ReviewFact(by, state, commit, minute(at), True),
        ACCOUNTS,
        st.sampled_from(["approved", "changes_requested", "commented", "dismissed", "pending"]),
        st.sampled_from([HEAD, OLD]),
        st.integers(0, 25),
    ),
    max_size=6,
)


def same_person(one, other):
    return one.account == other.account or one.name == other.name or (one.person is not None and one.person == other.person)


@settings(max_examples=200, deadline=None)
@given(author=ACCOUNTS, others=st.lists(ACCOUNTS, max_size=3), reviews=REVIEWS)
def test_no_finding_means_an_approval_of_the_head_in_time_by_somebody_else(author, others, reviews):
    pr = merged(author=author, contributors=(author, *others), reviews=tuple(reviews))

    if review_finding(pr) in ("", "changes_requested"):
        assert any(
            review.state == "approved"
            and review.commit == HEAD
            and review.at <= pr.merged_at
            and not review.by.bot
            and not any(same_person(review.by, maker) for maker in (author, *others))
            for review in reviews
        )


APPROVALS = st.lists(
    st.builds(
        lambda by, verdict, head, at: ApprovalFact(by, verdict, "digest", head, minute(at), ""),
        ACCOUNTS,
        st.sampled_from(["yes", "no"]),
        st.sampled_from([HEAD, OLD]),
        st.integers(40, 70),
    ),
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(author=ACCOUNTS, requester=ACCOUNTS, others=st.lists(ACCOUNTS, max_size=3), approvals=APPROVALS)
def test_no_approval_by_a_person_who_contributed_or_asked(author, requester, others, approvals):
    pr = hotfix(author=author, contributors=(author, *others), reviews=())
    facts = change(pull_requests=(pr,), requester=requester, approved_by="portal", approvals=tuple(approvals))

    if approval(facts, DEFAULT).state == GateState.MET:
        assert any(
            word.verdict == "yes"
            and word.head_sha == HEAD
            and word.at <= minute(MERGED_TO_PROD)
            and not word.by.bot
            and not any(same_person(word.by, maker) for maker in (author, requester, *others))
            for word in approvals
        )
