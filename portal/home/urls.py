"""Addresses of the start page and of health."""

from django.urls import URLPattern, URLResolver, path

from portal.home import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("inbox/count/", views.count, name="inbox-count"),
    path("inbox/snooze/", views.snooze, name="snooze"),
    path("exports/", views.exports, name="exports"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("status/", views.status, name="status"),
]
