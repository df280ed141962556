"""Addresses of evidence packs."""

from django.urls import URLPattern, URLResolver, path

from audits.packs import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/<int:pk>/packs/", views.packs, name="audit-packs"),
    path("audits/<int:pk>/packs/build/", views.build, name="build-pack"),
    path("audits/<int:pk>/packs/<int:number>/cancel/", views.cancel, name="cancel-pack"),
    path("audits/<int:pk>/packs/<int:number>/file/", views.file, name="pack-file"),
]
