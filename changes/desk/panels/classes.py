"""Classes and risk of a change with their reasons, who said what about them, and the form to say it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import OuterRef, QuerySet

from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from changes.proposals.classification import NAMES, rank_of
from changes.proposals.deriving import routine_by
from changes.proposals.lifecycle import OPEN_STATES
from changes.proposals.models import Category, Change, ClassChoice, Kind, Size
from changes.proposals.refreshing import work_of
from portal.access.may import may
from portal.access.permissions import P
from portal.typed import KeptText

FORM = "classes"
CHOICES = {"category": Category, "size": Size, "kind": Kind}
TONES = {"low": "ok", "medium": "warn", "high": "bad"}


class ClassForm(forms.Form):
    """One class and a reason. Only those who may lower are offered less strict classes."""

    chosen_class = forms.ChoiceField(label="Class it as", error_messages={"required": "Choose a class"})
    reason = KeptText(
        label="Why", required=False, max_length=2_000, help_text="Needed to lower a class. It stands on the record of the change."
    )

    def __init__(self, *args: Any, change: Change, may_lower: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.change = change
        self.fields["chosen_class"].choices = [("", "Choose"), *self._offered(may_lower)]  # type: ignore[attr-defined]  # a ChoiceField

    def _offered(self, may_lower: bool) -> list[tuple[str, list[tuple[str, str]]]]:
        groups = []
        for name in NAMES:
            present = str(getattr(self.change, name))
            options = [
                (f"{name}:{value}", f"{label} ({'lower' if _lowers(name, value, present) else 'higher'})")
                for value, label in CHOICES[name].choices
                if value not in (present, Category.EMERGENCY) and (may_lower or not _lowers(name, value, present))
            ]
            groups += [(name.capitalize(), options)] if options else []
        return groups

    @property
    def chosen(self) -> tuple[str, str]:
        """Name and value."""
        name, _, value = str(self.cleaned_data["chosen_class"]).partition(":")
        return name, value

    def clean(self) -> dict[str, Any]:
        """A lower class needs a reason."""
        given = super().clean() or {}
        if given.get("chosen_class"):
            name, value = self.chosen
            if _lowers(name, value, str(getattr(self.change, name))) and not str(given.get("reason") or "").strip():
                self.add_error("reason", "Write why the rule is too strict here")
        return given


def _lowers(name: str, value: str, present: str) -> bool:
    return rank_of(name, value) < rank_of(name, present)


def _said(here: OuterRef) -> QuerySet[ClassChoice]:
    return ClassChoice.objects.filter(change_id=here).order_by("-at", "-id")


def build(asked: Asked) -> Mapping[str, Any]:
    """Each class with its badge and reasons, the risk, people's words, and the form for those who may say something."""
    change, reader = asked.change, asked.reader
    form = asked.forms.get(FORM)
    if form is None and not asked.auditor and change.state in OPEN_STATES and may(reader, P.CHANGE_PROPOSE):
        form = ClassForm(change=change, may_lower=may(reader, P.CHANGE_CLASSIFY))
    risk = change.risk or {}
    return {
        "classes": [(name.capitalize(), getattr(change, name), change.reasons.get(name, [])) for name in NAMES],
        "routine": routine_by(work_of(asked.pull_requests), asked.policy),
        "risk": risk,
        "risk_words": f"{str(risk.get('level', '')).capitalize()} risk, {risk.get('points', 0)} points" if risk else "",
        "risk_tone": TONES.get(str(risk.get("level")), "neutral"),
        "said": [{**row, "at": datetime.fromisoformat(row["at"])} for row in asked.lists["class_choices"]],
        "form": form,
        "open": bool(form is not None and form.is_bound),
    }


PANEL = Panel(
    name="classes",
    place="main",
    template="changes/desk/panels/classes.html",
    build=build,
    lists={"class_choices": Listing(_said, ("name", "was", "value", "lowers", "reason", "by__name", "at"))},
)
