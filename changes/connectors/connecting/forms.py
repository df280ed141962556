"""Forms of connecting a vendor. What is secret is never filled in again, not even after a mistake."""

from typing import Any

from django import forms

from changes.connectors.actions import ACCOUNT, ENVIRONMENTS
from changes.connectors.connecting.guides import GUIDES, addresses_for
from changes.connectors.connecting.models import Connecting
from changes.delivery.models import Repository

SHOWN = 60
"""Apps, slugs or domains that a page asks about, one by one."""
LISTED = 300
"""Repositories that a page lists to be ticked."""
ENVIRONMENT_CHOICES = [("", "Not in scope"), *((word, word.capitalize()) for word in ENVIRONMENTS)]
APPROVED = [("portal", "Only an approval in the portal"), ("review", "An approving review on the promotion counts too")]


UNINVITED = {"required": "Write /invite @Countersign in the channel, and test again"}


class CredentialForm(forms.Form):
    """Where the vendor's API is, and what proves who asks."""

    use_required_attribute = False

    api_url = forms.ChoiceField(label="Address of the API", help_text="Other addresses are named in COUNTERSIGN_CONNECT_ADDRESSES.")
    account = forms.CharField(
        label="Account id", max_length=40, required=False, help_text="32 digits and letters a to f, in the dashboard's address."
    )
    app_id = forms.CharField(label="App id", max_length=40, required=False, help_text="Of a GitHub App; empty for a token.")
    installation_id = forms.CharField(
        label="Installation id", max_length=40, required=False, help_text="Empty: the App's only installation is found."
    )
    token = forms.CharField(max_length=10_000, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}))
    secret = forms.CharField(
        label="Signing secret", max_length=200, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, data: Any = None, *, draft: Connecting) -> None:
        given = {"api_url": draft.api_url, "app_id": draft.app_id, "installation_id": draft.installation_id, **draft.settings}
        super().__init__(data, initial=given)
        self.draft, guide = draft, GUIDES[draft.kind]
        _choices(self, "api_url", [(address, address) for address in addresses_for(draft.kind)])
        self.fields["token"].label = guide.credential
        self.fields["token"].help_text = "Kept encrypted and never shown again." + (
            " Leave it empty to keep the one that was given." if draft.token_encrypted else ""
        )
        for name, kinds in (("account", {"cloudflare"}), ("app_id", {"github"}), ("installation_id", {"github"})):
            if draft.kind not in kinds:
                del self.fields[name]
        if guide.signed != "theirs":
            del self.fields["secret"]

    def clean(self) -> dict[str, Any]:
        """A token is needed once; the account's id has a form."""
        given = super().clean() or {}
        if not given.get("token") and not self.draft.token_encrypted:
            self.add_error("token", "Give the credential.")
        if "secret" in self.fields and not given.get("secret") and not self.draft.secret_encrypted:
            self.add_error("secret", "Give the signing secret. It stands under Basic Information of the app.")
        if "account" in self.fields and not ACCOUNT.fullmatch(given.get("account", "")):
            self.add_error("account", "This is no account id.")
        return given

    def settings(self) -> dict[str, str]:
        """What the credential is for."""
        return {"account": self.cleaned_data["account"]} if "account" in self.fields else {}


class ForgeForm(forms.Form):
    """Repositories, and what their branches are."""

    use_required_attribute = False

    repositories = forms.MultipleChoiceField(
        label="Repositories in scope",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one repository"},
    )
    main = forms.CharField(label="Branch that feeds staging", max_length=200, initial="main")
    prod = forms.CharField(label="Branch that feeds production", max_length=200, initial="prod")
    approved_by = forms.ChoiceField(label="What counts as an approval", choices=APPROVED, initial="portal")

    def __init__(self, *args: Any, draft: Connecting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left_out = left_out(draft, LISTED)
        _choices(self, "repositories", [(name, name) for name in draft.offers[:LISTED]])

    def clean(self) -> dict[str, Any]:
        """Two branches."""
        given = super().clean() or {}
        if given.get("main") and given.get("main") == given.get("prod"):
            self.add_error("prod", "Staging and production are two branches.")
        return given


class PlacesForm(forms.Form):
    """Which environment each app, slug or domain belongs to."""

    use_required_attribute = False

    def __init__(self, *args: Any, draft: Connecting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left_out = left_out(draft, SHOWN)
        self.places = {f"place-{at}": name for at, name in enumerate(draft.offers[:SHOWN])}
        for field, name in self.places.items():
            self.fields[field] = forms.ChoiceField(label=name, choices=ENVIRONMENT_CHOICES, required=False)
        if draft.kind == "fly":
            rows = Repository.objects.filter(in_scope_until=None).order_by("name").values_list("name", flat=True)
            self.fields["repository"] = forms.ChoiceField(
                label="Repository that these apps are built from",
                choices=[(name, name) for name in rows],
                error_messages={"required": "Connect the repository first"},
                help_text="Apps of other repositories: choose those of one now, and connect Fly once more for the others.",
            )

    def clean(self) -> dict[str, Any]:
        """At least one place is in scope, at Fly."""
        given = super().clean() or {}
        given["places"] = {name: given[field] for field, name in self.places.items() if given.get(field)}
        if "repository" in self.fields and not given["places"]:
            raise forms.ValidationError("Choose the environment of at least one app.")
        return given


class ChannelsForm(forms.Form):
    """Where the portal writes."""

    use_required_attribute = False

    channel = forms.ChoiceField(label="Log of production changes", error_messages=UNINVITED)
    emergencies = forms.ChoiceField(label="Emergencies", error_messages=UNINVITED)

    def __init__(self, *args: Any, draft: Connecting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("channel", "emergencies"):
            _choices(self, name, [(one, one.partition(" ")[2]) for one in draft.offers])


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    """What a declared field offers in this form."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


def left_out(draft: Connecting, shown: int) -> str:
    """What a page says of offers that it does not show; empty when it shows all."""
    more = len(draft.offers) - shown
    return f"{more} more {'is' if more == 1 else 'are'} connected with manage.py connect {draft.kind}." if more > 0 else ""


SCOPES: dict[str, Any] = {"slack": ChannelsForm, "fly": PlacesForm, "doppler": PlacesForm, "cloudflare": PlacesForm}
"""The form of what is in scope, by vendor; forges have ``ForgeForm``."""


def scope_form(draft: Connecting, data: Any = None) -> forms.Form:
    """The form of the step "scope" for this vendor."""
    made: forms.Form = SCOPES.get(draft.kind, ForgeForm)(data, draft=draft)
    return made
