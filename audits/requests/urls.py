"""Addresses of requests."""

from django.urls import URLPattern, URLResolver, path

from audits.requests import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("audits/<int:pk>/requests/", views.requests, name="audit-requests"),
    path("audits/<int:pk>/requests/ask/", views.ask, name="ask-request"),
    path("audits/<int:pk>/requests/<int:number>/", views.thread, name="audit-request"),
    path("audits/<int:pk>/requests/<int:number>/write/", views.write, name="write-request"),
    path("audits/<int:pk>/requests/<int:number>/answer/", views.answer, name="answer-request"),
    path("audits/<int:pk>/requests/<int:number>/close/", views.close, name="close-request"),
    path("audits/<int:pk>/requests/<int:number>/reopen/", views.reopen, name="reopen-request"),
]
