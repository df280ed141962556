"""Fills the demo company, Northwind Labs: people sign up, sources are connected, and a week of work happens.

The work happens at the stand-ins of the vendors; webhooks, API and Git bring it in through the real workers. People decide
in the portal through the same actions as on its pages. Only the clock is turned: what happened "on Monday" carries
Monday's date. ``load`` may be run again: what is done is not done twice.
"""

from changes.desk.demo.load import check, load
from changes.desk.demo.year.load import load_year, places

__all__ = ["check", "load", "load_year", "places"]
