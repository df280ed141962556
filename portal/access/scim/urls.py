"""Addresses of SCIM 2.0."""

from django.urls import URLPattern, URLResolver, path

from portal.access.scim import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("Users", views.users, name="scim-users"),
    path("Users/<int:pk>", views.user, name="scim-user"),
    path("ServiceProviderConfig", views.service, name="scim-service"),
    path("Schemas", views.described, {"what": "Schemas"}, name="scim-schemas"),
    path("Schemas/<str:name>", views.described, {"what": "Schemas"}, name="scim-schema"),
    path("ResourceTypes", views.described, {"what": "ResourceTypes"}, name="scim-resource-types"),
    path("ResourceTypes/<str:name>", views.described, {"what": "ResourceTypes"}, name="scim-resource-type"),
    path("<path:rest>", views.nothing, name="scim-nothing"),
]
