"""Addresses of the frame: theme, palette, help, gallery."""

from django.urls import URLPattern, URLResolver, path

from portal.ui import palette, theme, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("theme/", theme.switch, name="theme"),
    path("palette/", palette.show, name="palette"),
    path("help/", views.help_page, name="help"),
    path("gallery/", views.gallery, name="gallery"),
]
