"""PostgreSQL as Django has it, with what ``base`` adds; the name of this package is the ``ENGINE`` of the settings."""
