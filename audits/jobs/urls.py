"""Addresses of jobs."""

from django.urls import URLPattern, URLResolver, path

from audits.jobs import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("exports/jobs/<int:pk>/cancel/", views.cancel, name="cancel-job"),
]
