"""Addresses of what proves it."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from audits.controls import control_page
from audits.controls import views as controls
from audits.insights import views as insights
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
    path("controls/", controls.controls, name="controls"),
    path("controls/run/", controls.run_now, name="run-controls"),
    path("controls/<slug:name>/", control_page.control, name="control"),
    path("controls/<slug:name>/rows/", control_page.control_rows, name="control-rows"),
    path("insights/", insights.insights, name="insights"),
    path("insights/<slug:code>/", insights.rows, name="insight-rows"),
    path("", include("audits.engagements.urls")),
    path("", include("audits.jobs.urls")),
    path("", include("audits.packs.urls")),
    path("", include("audits.populations.urls")),
    path("", include("audits.samples.urls")),
    path("", include("audits.room.urls")),
    path("", include("audits.requests.urls")),
    path("", include("audits.findings.urls")),
]
