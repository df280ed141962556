"""A person's word on a class of a change."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_POST

from changes.desk.answering import asked_for, back
from changes.desk.panels.classes import FORM, ClassForm
from changes.desk.views import change_context
from changes.proposals.classing import choose_class
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of


@requires(P.CHANGE_PROPOSE)
@require_POST
def choose(request: HttpRequest, number: int) -> HttpResponse:
    """Raise a class, or lower it with a reason."""
    found, reader = asked_for(request, number), person_of(request)
    form = ClassForm(request.POST, change=found, may_lower=may(reader, P.CHANGE_CLASSIFY))
    if not form.is_valid():
        context = change_context(request, found, bound={FORM: form}, problem=True)
        return render(request, "changes/desk/change.html", context, status=422)
    name, value = form.chosen
    choose_class(change=found, name=name, value=value, reason=form.cleaned_data["reason"], by=reader, at=now())
    return back(request, found, f"The {name} is {value} now.")
