"""The one door for what vendors send, as Django answers it: the same as ``hooks``, which stands before it under ASGI."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from changes.connectors.door import AWAY, LARGEST_BODY, PATIENCE, arrive
from changes.connectors.storing import NOT_STORED
from portal.access.guards import public


@csrf_exempt
@require_POST
def hook(request: HttpRequest, source: str) -> HttpResponse:
    """Take one delivery. 202 stored (200 where the vendor wants an answer of its own), 400/401/404 refused, 413 too large,
    503 the database is away: send it again.
    """
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        return JsonResponse({"error": "the body is larger than 25 MiB"}, status=413)
    try:
        arrived = arrive(name=source, body=body, headers={key.lower(): value for key, value in request.headers.items()})
    except NOT_STORED:
        return HttpResponse(AWAY.body, AWAY.content_type, AWAY.status, headers=PATIENCE)
    return HttpResponse(arrived.body, arrived.content_type, arrived.status)


hook = public(hook, reason="vendors sign what they send; the signature is the key")
