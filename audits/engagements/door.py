"""What an auditor may write: a few addresses, each through its own narrow role of the database (docs/audits.md). Pure."""

WRITABLE: frozenset[str] = frozenset()
"""Names of the addresses whose POST an auditor may send. Everything else an auditor sends is a read, or is refused."""
