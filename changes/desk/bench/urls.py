"""The product's addresses, and three bare views of the same server to compare with."""

from django.urls import include, path

from changes.desk.bench import views

urlpatterns = [
    path("bench/signed-in/", views.signed_in, name="bench-signed-in"),
    path("bench/one-select/", views.one_select, name="bench-one-select"),
    path("bench/one-insert/", views.one_insert, name="bench-one-insert"),
    path("", include("portal.urls")),
]
handler400 = "portal.ui.errors.bad_request"
handler403 = "portal.ui.errors.forbidden"
handler404 = "portal.ui.errors.not_found"
handler500 = "portal.ui.errors.broken"
