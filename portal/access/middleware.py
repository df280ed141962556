"""Deny by default."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]


def access_rules(get_response: Answer) -> Answer:
    return get_response
