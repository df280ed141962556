"""Addresses of what proves it."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from audits.controls import views as controls
from audits.proof import entry_views as entries
from audits.proof import verify_views as verifying
from audits.proof import views as proof

urlpatterns: list[URLPattern | URLResolver] = [
    path("ledger/", proof.ledger, name="ledger"),
    path("ledger/verify/", verifying.verify, name="verify-ledger"),
    path("ledger/verify/quick/", verifying.quick_check, name="quick-check"),
    path("ledger/verify/<int:pk>/", verifying.verification, name="ledger-verification"),
    path("ledger/entries/<int:pk>/", entries.entry, name="ledger-entry"),
    path("ledger/entries/<int:pk>/redact/", entries.propose, name="propose-redaction"),
    path("ledger/redactions/", entries.redactions, name="redactions"),
    path("ledger/redactions/<int:pk>/confirm/", entries.confirm, name="confirm-redaction"),
    path("ledger/redactions/<int:pk>/withdraw/", entries.withdraw, name="withdraw-redaction"),
    re_path(r"^verify/(?P<digest>[0-9a-f]{64})/$", proof.check_record, name="check-record"),
    path("controls/", controls.coverage, name="coverage"),
    path("controls/run/", controls.run_now, name="run-controls"),
    path("", include("audits.engagements.urls")),
]
