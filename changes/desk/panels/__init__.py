"""Panels of the change page: one module for each feature, listed here by hand in the order in which they stand on the page.

A module has ``PANEL``. Its lists come with the page's first query; its context is built from them without asking the database
again. ``build`` returns None when the panel has nothing to show to this reader.
"""

from changes.desk.panels import approvals, classes, comments, decision, edits, emergency, outcome, schedule
from changes.desk.panels.panel import Panel

PANELS: tuple[Panel, ...] = (
    approvals.PANEL,
    emergency.PANEL,
    decision.PANEL,
    schedule.PANEL,
    classes.PANEL,
    edits.PANEL,
    outcome.PANEL,
    comments.PANEL,
)
