"""Addresses of engagements: preparing, confirming and ending one, previewing it, and what was read in it."""

from django.urls import URLPattern, URLResolver, path

from audits.engagements import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/new/", views.prepare, name="prepare-engagement"),
    path("audits/preview/end/", views.end_preview, name="end-preview"),
    path("audits/<int:pk>/preview/", views.preview, name="preview-engagement"),
    path("audits/<int:pk>/confirm/", views.confirm, name="confirm-engagement"),
    path("audits/<int:pk>/end/", views.end, name="end-engagement"),
    path("audits/<int:pk>/people/<int:admission>/end/", views.end_admission, name="end-admission"),
    path("audits/<int:pk>/read-log/", views.read_log, name="read-log"),
]
