#!/usr/bin/env python
"""Django's command line for Countersign."""

import os
import sys

from django.core.management import execute_from_command_line

from portal.runtime import keys, surroundings

if __name__ == "__main__":
    if sys.argv[1:] == ["doctor", "--make-key"]:
        # Before there are settings, because they need such a key.
        sys.exit(print(keys.new_encryption_key()))
    surroundings.adopt()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    execute_from_command_line(sys.argv)
