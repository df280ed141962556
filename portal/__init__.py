"""What everything stands on, and where it is put together.

Imports nothing: the supervisor lives in this package and has to stay small (portal/runtime).
"""
