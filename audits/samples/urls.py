"""Addresses of samples, and of the page of a population, from which they are drawn."""

from django.urls import URLPattern, URLResolver, path

from audits.samples import population_page, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/<int:pk>/populations/<int:number>/", population_page.population, name="audit-population"),
    path("audits/<int:pk>/populations/<int:number>/draw/", population_page.draw_one, name="draw-sample"),
    path("audits/<int:pk>/samples/", views.samples, name="audit-samples"),
    path("audits/<int:pk>/samples/<int:number>/", views.sample, name="audit-sample"),
    path("audits/<int:pk>/samples/<int:number>/<int:position>/", views.item, name="audit-sample-item"),
    path("audits/<int:pk>/samples/<int:number>/<int:position>/mark/", views.mark_item, name="mark-item"),
    path("audits/<int:pk>/samples/<int:number>/<int:position>/replace/", views.replace_item, name="replace-item"),
]
