"""The components of the pages. Each module keeps its own tag library; portal/templatetags/ui.py is their index.

A leaf is also a plain function that returns a finished string, cached where its arguments are few, so that a row
of a long list can be put together without the template engine.
"""
