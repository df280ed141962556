"""Setting up a portal that starts empty: a guide over pages that exist anyway. docs/first-run.md."""
