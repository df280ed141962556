"""A GitLab delivery as facts, in the same form as GitHub's. Pure; raises ``Unreadable`` only.

docs.gitlab.com/user/project/integrations/webhook_events. An approval is told without its commit, so it is only a reason to read
the merge request again.
"""

from collections.abc import Iterator, Mapping

from changes.connectors.fields import Fields, clean, read_json
from changes.connectors.github import objects as shared
from changes.connectors.github.dialects import Reader, pushed, read_delivery
from changes.connectors.github.payloads import Parsed, unused
from changes.connectors.gitlab import objects
from changes.delivery.facts import Fact


def parse(event: str, body: bytes) -> Parsed:
    """Turn one delivery into facts. ``event`` is the X-Gitlab-Event header: ``Merge Request Hook``."""
    event = clean(text=event)[:60]
    fields = Fields.of(value=read_json(body=body), path="")
    if event not in EVENTS:
        return unused(event=event, body=fields.values, under="project", named="path_with_namespace")
    uid, login = _sender(fields)
    return read_delivery(
        event=event,
        fields=fields,
        action=_action(fields),
        sender=(objects.account(uid), login),
        under="project",
        repository=lambda value: objects.repository(value=value),
        readers=EVENTS,
    )


def _sender(fields: Fields) -> tuple[int | None, str | None]:
    """``user`` of most events, ``user_id`` and ``user_username`` of a push."""
    user = fields.within("user")
    if user is not None:
        return user.number("id"), user.text("username", limit=shared.LOGIN)
    return fields.number("user_id"), fields.text("user_username", limit=shared.LOGIN)


def _action(fields: Fields) -> str:
    attributes = fields.within("object_attributes")
    return (attributes.text("action") or "") if attributes is not None else ""


def _merge_request(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    yield objects.told(body=body.values)


def _push(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    yield from pushed(body, parsed, commits=body.items("commits"), pushed_at=None)


def _pipeline(body: Fields, parsed: Parsed) -> Iterator[Fact]:
    attributes = body.needed("object_attributes")
    yield objects.status(value=attributes.values, sha=attributes.needed_commit("sha"), name=objects.PIPELINE)


EVENTS: Mapping[str, Reader] = {
    "Merge Request Hook": _merge_request,
    "Push Hook": _push,
    "Pipeline Hook": _pipeline,
}
