"""Addresses of findings."""

from django.urls import URLPattern, URLResolver, path

from audits.findings import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/<int:pk>/findings/", views.findings, name="audit-findings"),
    path("audits/<int:pk>/findings/open/", views.open_one, name="open-finding"),
    path("audits/<int:pk>/findings/<int:number>/", views.finding, name="audit-finding"),
    path("audits/<int:pk>/findings/<int:number>/respond/", views.respond, name="respond-finding"),
    path("audits/<int:pk>/findings/<int:number>/correct/", views.correct, name="correct-finding"),
    path("audits/<int:pk>/findings/<int:number>/retest/", views.retest, name="retest-finding"),
    path("audits/<int:pk>/findings/<int:number>/close/", views.close, name="close-finding"),
    path("audits/<int:pk>/findings/<int:number>/reopen/", views.reopen, name="reopen-finding"),
]
