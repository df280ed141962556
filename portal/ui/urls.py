"""Addresses of the frame: theme, palette, help, gallery, live stream."""

from django.urls import URLPattern, URLResolver, path

from portal.ui import live, palette, reports, theme, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("theme/", theme.switch, name="theme"),
    path("palette/", palette.show, name="palette"),
    path("help/", views.help_page, name="help"),
    path("live/", live.live, name="live"),
    path("csp-report/", reports.violation, name="csp-report"),
    path("gallery/", views.gallery, name="gallery"),
]
