"""Addresses of engagements."""

from django.urls import URLPattern, URLResolver, path

from audits.engagements import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/engagements/", views.engagements, name="engagements"),
    path("audits/engagements/prepare/", views.prepare, name="prepare-engagement"),
    path("audits/engagements/<int:pk>/confirm/", views.confirm, name="confirm-engagement"),
    path("audits/engagements/<int:pk>/end/", views.end, name="end-engagement"),
    path("audits/engagements/<int:pk>/read-log/", views.read_log, name="read-log"),
]
