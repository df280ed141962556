"""The certificate of a signature as PDF."""

from datetime import UTC

from changes.training.models import Acknowledgement
from portal.pdf import paper_of


def certificate_pdf(signed: Acknowledgement) -> bytes:
    """What was signed, by whom and after what; with the digest by which it can be checked. The bytes are the same each time."""
    at = signed.at.astimezone(UTC)
    paper = paper_of(
        title=f"{signed.person.name} is trained on the policy",
        mark=f"Confidential. Certificate {signed.pk}, SHA-256 {signed.digest[:16]}…",
        subject=f"Version {signed.policy} of the policy",
    )
    paper.facts(
        [
            ("Policy", f"Version {signed.policy}"),
            ("Course", signed.course.title),
            ("Quiz", f"{signed.attempt.correct} of {len(signed.attempt.drawn)} right"),
            ("Signed (UTC)", f"{at:%Y-%m-%d %H:%M}"),
        ]
    )
    paper.section("The statement")
    paper.text(signed.statement)
    paper.text(signed.typed_name)
    paper.section("Exactly what was signed")
    paper.text(signed.text)
    paper.section("Digest")
    paper.small("SHA-256 of the text above, each line ended by one line feed; the portal finds it under /verify/.")
    paper.small(signed.digest)
    return paper.content()
