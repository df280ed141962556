"""The proposal form: what and why, how it is tested and undone, and what a machine cannot know about its class."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.core.validators import MaxLengthValidator

from changes.proposals import risk
from changes.proposals.classification import rank_of
from changes.proposals.models import Category, Kind, Size
from changes.proposals.sections import SECTIONS, TEXT_FIELDS
from changes.proposals.templates_of_kinds import TEMPLATES, hint_for, is_untouched
from portal.typed import no_secret

LONGEST = 200_000
"""Characters of one text; more belongs into a linked document."""
CLASSES = ("category", "size", "kind")
ANSWERS: Mapping[str, risk.Question] = {f"answer_{code}": question for code, question in risk.BY_CODE.items()}
"""The questionnaire's fields, by the name that they have in the form."""
FIELDS = (*TEXT_FIELDS, *CLASSES, *ANSWERS)
HINTS = {
    "why": "What is wrong or missing today. A draft can do without.",
    "what": "Markdown works here and below.",
    "tested": "What showed, or will show, that it works.",
    "rollback": "The steps back, and how long they take (P-17). A draft can do without.",
    "target_release": "One that ran in production, or in your own words.",
    "snapshot": "Only where data changes: the snapshot's id and how it is restored (P-18).",
    "data_loss": "One sentence. Needed as soon as there is a snapshot; “None, because …” is an answer.",
}


class Text(forms.CharField):
    """A text with the line ends of the web made ordinary and without NUL characters, which no database keeps."""

    def to_python(self, value: Any) -> str:
        """The text as it is kept."""
        return str(super().to_python(str(value or "").replace("\x00", "").replace("\r\n", "\n")))


def text_field(name: str, *, longest: int = LONGEST, rows: int = 0, required: str = "") -> Text:
    """One text of the proposal; ``required`` are the words when it is missing and must not be."""
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
    field = Text(label=SECTIONS[name], required=bool(required), widget=widget, help_text=HINTS.get(name, ""))
    field.error_messages["required"] = required
    words = f"Shorten this to {longest:,} characters, or link to a document: it has %(show_value)s"
    field.validators += [MaxLengthValidator(longest, message=words), no_secret]
    return field


class ProposalForm(forms.Form):
    """A draft needs only the title. ``stands`` are the classes that the requester asked for and cannot lower here any more."""

    use_required_attribute = False

    form_key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(
        label="Kind",
        required=False,
        choices=[("", "By its files, once there is a pull request"), *((kind, item.name) for kind, item in TEMPLATES.items())],
        help_text="Fills empty sections below with headings. What you wrote stays.",
    )
    title = text_field("title", longest=300, required="Write a title: what changes, in one line")
    why = text_field("why", rows=4, required="Write why the change is needed")
    what = text_field("what", rows=6)
    tested = text_field("tested", rows=3)
    rollback = text_field("rollback", rows=4, required="Write how to undo this change")
    target_release = text_field("target_release", longest=200)
    snapshot = text_field("snapshot", longest=5_000, rows=2)
    data_loss = text_field("data_loss", longest=1_000, rows=2)
    category = forms.ChoiceField(
        label="Category",
        choices=Category.choices,
        initial=Category.STANDARD,
        widget=forms.RadioSelect,
        help_text="Standard is the normal way. An emergency needs a +1 now and a full review afterwards.",
    )
    size = forms.ChoiceField(
        label="Size",
        choices=[(Size.NORMAL, "By the rules"), (Size.LARGE, "Large: I want the architecture meeting to decide")],
        initial=Size.NORMAL,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, submit: bool = False, stands: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stands = stands or {}
        self.submit = submit
        # To be put up for review it needs its reason and its way back; a draft does not.
        for name in ("why", "rollback"):
            self.fields[name].required = submit or not self.is_bound
        for name, question in ANSWERS.items():
            choices = [("", "Not answered"), *question.choices]
            self.fields[name] = forms.ChoiceField(label=question.words, choices=choices, required=False)
        kind = str(self.data.get("kind") or "") if self.is_bound else str(self.initial.get("kind") or "")
        for name in TEXT_FIELDS:
            self.fields[name].help_text = hint_for(kind, name) or HINTS.get(name, "")
        self.initial.setdefault("form_key", uuid4())

    @property
    def questions(self) -> list[forms.BoundField]:
        """The fields of the questionnaire."""
        return [self[name] for name in ANSWERS]

    def clean_title(self) -> str:
        """One line."""
        return " ".join(str(self.cleaned_data["title"]).split())

    def clean(self) -> dict[str, Any]:
        """Headings of a template without a word of somebody's are no text. A class that was asked for is not lowered here."""
        given = super().clean() or {}
        for name in TEXT_FIELDS:
            if name in given and is_untouched(name, given[name]):
                given[name] = ""
                if self.submit and self.fields[name].required:
                    self.add_error(name, self.fields[name].error_messages["required"])
        if given.get("snapshot") and not given.get("data_loss") and self.submit:
            self.add_error(
                "data_loss", "Write in a sentence what data would be lost on the way back; “None, because …” is an answer"
            )
        for name in CLASSES:
            stood = str(self.stands.get(name) or "")
            if stood and name in given and rank_of(name, given[name]) < rank_of(name, stood):
                self.add_error(name, f"You asked for “{stood}”. It is lowered on the page of the change, with a reason")
        return given


def typed(given: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the form's fields, as it was sent and without looking for mistakes."""
    return {name: str(given.get(name) or "") for name in FIELDS}


def answers_in(given: Mapping[str, Any]) -> dict[str, str]:
    """The answers to the questionnaire, by its own codes; what it does not know is left out."""
    return risk.accepted({question.code: given.get(name) for name, question in ANSWERS.items()})


def asked_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the requester says about the classes, as the rules take it (``classification.classify``)."""
    known = {"category": Category.values, "size": Size.values, "kind": Kind.values}
    asked: dict[str, Any] = {name: given[name] for name, values in known.items() if given.get(name) in values}
    answers = answers_in(given)
    return {**asked, "answers": answers} if answers else asked
