"""Addresses of the room: the list of audits, and one of them."""

from django.urls import URLPattern, URLResolver, path

from audits.room import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/", views.audits, name="audits"),
    path("audits/<int:pk>/", views.audit, name="audit"),
]
