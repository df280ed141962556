"""The audit at the demo company goes on: Uma asks Ann, and opens two findings of which one is closed already. Once."""

from datetime import datetime, timedelta

from audits.engagements.models import Engagement
from audits.findings.actions import Observation, move, open_finding
from audits.findings.lifecycle import Move as Step
from audits.requests.actions import Question, ask, write
from audits.requests.lifecycle import Move
from changes.desk.demo_chapters import chapter
from portal.access.models import User

MOMENT = timedelta(seconds=1)
CLOSED = (
    (Step.RESPOND, "rex", "Right. The connection is set up again, and the day on which it is due stands in the calendar."),
    (Step.CORRECT, "rex", "The token is renewed, and the portal warns 14 days before it runs out."),
    (Step.HOLDS, "mia", "Looked at the page of the integration: the token is new, and the warning is on."),
    (Step.CLOSE, "mia", "The correction holds."),
)


@chapter
def room(at: datetime) -> None:
    """One request that Ann answered, one finding that went all the way, and one that waits for Rex."""
    uma, ann, rex, mia = (User.objects.get(email=f"{login}@northwind.example") for login in ("uma", "ann", "rex", "mia"))
    engagement = Engagement.objects.filter(admissions__person=uma).first()
    if engagement is None or engagement.requests.exists():
        return
    people = {"rex": rex, "mia": mia}
    question = Question(
        subject="Who reviews changes that Doppler carries out by itself?",
        text="Please name the page on which such a change is reviewed, and one example within the period.",
        owner=ann,
        due_at=at + timedelta(days=5),
        links=["/deploys/", "C-13"],
    )
    asked = ask(engagement=engagement, question=question, by=uma, at=at)
    words = "Every edit in Doppler needs a change. What has none becomes an exception; the page Exceptions lists them with answers."
    write(request=asked, move=Move.ANSWER, text=words, by=ann, at=at + MOMENT)
    token = Observation(
        title="A token of a connection was about to run out unnoticed",
        text="Nobody is told before a token of a connection runs out. Afterwards the records of that system would have a gap.",
        severity="medium",
        owner=rex,
        due_at=at + timedelta(days=14),
        links=["/integrations/"],
    )
    finding = open_finding(engagement=engagement, observation=token, by=uma, at=at + 2 * MOMENT)
    for number, (step, login, text) in enumerate(CLOSED, start=3):
        move(finding=finding, step=step, text=text, by=people[login], at=at + number * MOMENT)
    let_in = Observation(
        title="Access was given that nobody had asked for",
        text="The account of somebody outside Northwind was made a collaborator of a repository, and no change says why.",
        severity="high",
        owner=rex,
        due_at=at + timedelta(days=30),
        control="C-19",
        links=["/exceptions/"],
    )
    open_finding(engagement=engagement, observation=let_in, by=uma, at=at + 10 * MOMENT)
