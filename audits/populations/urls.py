"""Addresses of populations."""

from django.urls import URLPattern, URLResolver, path

from audits.populations import compare_views as comparing
from audits.populations import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/<int:pk>/populations/", views.populations, name="audit-populations"),
    path("audits/<int:pk>/populations/freeze/", views.freeze_one, name="freeze-population"),
    path("audits/<int:pk>/populations/<int:number>/compare/", comparing.compare_now, name="compare-population"),
    path("audits/<int:pk>/populations/<int:number>/compare/later/", comparing.compare_later, name="compare-later"),
    path("audits/<int:pk>/populations/<int:number>/compare/<int:reading>/", comparing.second_reading, name="second-reading"),
    path("audits/<int:pk>/populations/<int:number>/file/", views.as_file, name="population-file"),
]
