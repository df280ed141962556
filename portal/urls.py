"""Every address of the product starts here. Upper apps are named as text, so that imports keep their direction."""

from django.urls import include, path

urlpatterns = [
    path("", include("portal.home.urls")),
    path("", include("portal.access.urls")),
    path("", include("portal.ui.urls")),
    path("", include("changes.urls")),
    path("", include("audits.urls")),
]

handler400 = "portal.ui.errors.bad_request"
handler403 = "portal.ui.errors.forbidden"
handler404 = "portal.ui.errors.not_found"
handler429 = "portal.ui.errors.too_many"
handler500 = "portal.ui.errors.broken"
