"""Headers and context of every answer."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]


def security_headers(get_response: Answer) -> Answer:
    return get_response


def request_context(get_response: Answer) -> Answer:
    return get_response
