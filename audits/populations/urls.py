"""Addresses of populations."""

from django.urls import URLPattern, URLResolver, path

from audits.populations import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/<int:pk>/populations/", views.populations, name="audit-populations"),
    path("audits/<int:pk>/populations/freeze/", views.freeze_one, name="freeze-population"),
    path("audits/<int:pk>/populations/<int:number>/compare/", views.compare_now, name="compare-population"),
    path("audits/<int:pk>/populations/<int:number>/file/", views.as_file, name="population-file"),
]
