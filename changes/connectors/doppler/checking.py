"""Test a connection to Doppler: which workplace, which projects, which logs the token may read."""

from datetime import datetime

from changes.connectors.checked import Checked, lacking
from changes.connectors.doppler import access
from changes.connectors.doppler.client import Doppler
from changes.connectors.models import Source

PROJECTS_AT_MOST = 30
"""Each one is asked for its environments by itself."""


def check(*, source: Source, at: datetime) -> Checked:
    """Ask Doppler now; ``offers`` are slugs of environments. Raises ``Passing`` and ``Permanent``. No value is asked for."""
    doppler = Doppler(source=source)
    kind, workplace = doppler.me()
    projects = doppler.projects()
    slugs = {slug for row in projects[:PROJECTS_AT_MOST] for slug, _ in doppler.environments(project=row.name)}
    missing = lacking(
        [
            ("the activity log", lambda: next(doppler.activity(), None)),
            ("people of the workplace", doppler.users),
            ("integrations", doppler.syncs),
            (access.GROUPS, doppler.groups),
            (access.ACCOUNTS, doppler.service_accounts),
            (access.ROLES, doppler.roles),
        ]
    )
    words = f"Doppler answers for {workplace or 'the workplace'} ({kind}): {len(projects)} projects"
    if len(projects) > PROJECTS_AT_MOST:
        words += f", of which the first {PROJECTS_AT_MOST} were asked for their environments; others: manage.py connect doppler"
    return Checked(True, words, missing, offers=tuple(sorted(slugs)))
