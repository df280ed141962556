"""Addresses of engagements: preparing, confirming and ending one, previewing it, and what was read in it."""

from django.urls import URLPattern, URLResolver, path

from audits.engagements import addition_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/new/", views.prepare, name="prepare-engagement"),
    path("audits/preview/end/", views.end_preview, name="end-preview"),
    path("audits/<int:pk>/preview/", views.preview, name="preview-engagement"),
    path("audits/<int:pk>/confirm/", views.confirm, name="confirm-engagement"),
    path("audits/<int:pk>/end/", views.end, name="end-engagement"),
    path("audits/<int:pk>/people/add/", addition_views.add_person, name="add-auditor"),
    path("audits/<int:pk>/people/proposed/<int:proposal>/confirm/", addition_views.confirm_person, name="confirm-auditor"),
    path("audits/<int:pk>/people/proposed/<int:proposal>/withdraw/", addition_views.withdraw_person, name="withdraw-auditor"),
    path("audits/<int:pk>/people/<int:admission>/end/", views.end_admission, name="end-admission"),
    path("audits/<int:pk>/read-log/", views.read_log, name="read-log"),
]
