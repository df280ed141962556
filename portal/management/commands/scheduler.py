"""`manage.py scheduler`: the process that wakes the workers. ./bin/up starts the same one without Django, for its size."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from portal.runtime import scheduler


class Command(BaseCommand):
    help = "Listens to PostgreSQL and fires the schedule (portal/schedule.py). Several may run."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(scheduler.main())
