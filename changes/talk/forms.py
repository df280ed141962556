"""Forms of comments and of how somebody wants to be told."""

from datetime import time
from typing import Any

from django import forms

from changes.talk.kinds import KINDS
from changes.talk.policy import LONGEST
from changes.talk.queries import Way
from portal.typed import KeptText

MAILS = [("now", "At once"), ("digest", "In the daily digest"), ("off", "Not by mail")]


class CommentForm(forms.Form):
    """One comment."""

    use_required_attribute = False

    text = KeptText(
        label="Comment",
        max_length=LONGEST,
        help_text="Markdown. Mention people as @ann: they are told.",
        words="Write something, then send it",
        rows=3,
    )


class ChoicesForm(forms.Form):
    """How to be told of each kind, when to be left alone, and when the digest comes."""

    quiet_from = forms.TimeField(label="Quiet from", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    quiet_to = forms.TimeField(label="Quiet to", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    digest = forms.BooleanField(label="Send me a daily digest when there is something", required=False)
    digest_at = forms.TimeField(
        label="At", widget=forms.TimeInput(attrs={"type": "time"}), error_messages={"required": "Write when the digest comes"}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in KINDS.values():
            self.fields[f"mail_{kind.code}"] = forms.ChoiceField(label=f"{kind.label} by mail", choices=MAILS)
            self.fields[f"slack_{kind.code}"] = forms.BooleanField(label="Slack message", required=False)

    @property
    def kinds(self) -> list[tuple[Any, Any, Any]]:
        """Each kind with its two fields, for the template."""
        return [(kind, self[f"mail_{kind.code}"], self[f"slack_{kind.code}"]) for kind in KINDS.values()]

    def clean(self) -> dict[str, Any]:
        """Quiet hours have both ends."""
        given = super().clean() or {}
        if (given.get("quiet_from") is None) != (given.get("quiet_to") is None):
            self.add_error("quiet_to", "Give the beginning and the end of the quiet hours, or neither")
        return given

    def chosen(self) -> dict[str, Any]:
        """What the action is to be given."""
        given = self.cleaned_data
        quiet: tuple[time | None, time | None] = (given["quiet_from"], given["quiet_to"])
        ways = {code: Way(given[f"mail_{code}"], given[f"slack_{code}"]) for code in KINDS}
        return {"ways": ways, "quiet": quiet, "digest": given["digest"], "digest_at": given["digest_at"]}
