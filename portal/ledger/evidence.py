"""What an app declares about its evidence: which tables, what may change, what auditors must not read. Pure.

An app declares it in its own ``evidence.py``: ``EVIDENCE`` (tables), ``RULES`` (extra row rules), ``HIDDEN`` (from auditors).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class EvidenceTable:
    """One table whose rows are evidence. No row of it is ever deleted.

    ``append_only``: rows never change. Otherwise a change of one of ``columns`` needs a ledger entry in the same
    transaction, and the columns ``fixed`` never change. ``moves`` holds the permitted (from, to) pairs of
    ``state_column``, ``born`` the states in which a row may be inserted. ``entry=False`` is for the ledger's own tables,
    which need no entry; ``written_by_function`` keeps the application from inserting by itself; ``by_auditors`` lets the
    narrow role of auditors' few writes insert (``audits.engagements.door``). Entries keep a copy of what they cover, readable
    by auditors for ever; ``unspoken`` columns (digests of tokens) are left out of it.
    ``released`` is for the texts of entries alone: two people may let one go (sql/redact.sql).
    """

    model: str
    append_only: bool = False
    columns: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    state_column: str = "state"
    moves: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    born: frozenset[str] = field(default_factory=frozenset)
    unspoken: tuple[str, ...] = ()
    entry: bool = True
    written_by_function: bool = False
    by_auditors: bool = False
    released: bool = False

    def __post_init__(self) -> None:
        if self.append_only == bool(self.columns):
            raise ValueError(f"{self.model}: either append_only, or the columns that need an entry when they change.")


@dataclass(frozen=True)
class RowRule:
    """A rule that PostgreSQL checks before each insert into one table, or before other ``events`` on it.

    ``body`` is PL/pgSQL and ends with ``RETURN NEW``.

    The function runs with the rights of the tables' owner. Tables that it names need not exist when it is installed.
    """

    name: str
    model: str
    declare: str
    body: str
    events: str = "INSERT"


@dataclass(frozen=True)
class Hidden:
    """A table of the portal that auditors may not read, but for ``shown`` columns. ``why`` is for the reader of the code."""

    model: str
    why: str
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declared:
    """All that the apps declared, in the order of the apps."""

    tables: tuple[EvidenceTable, ...]
    rules: tuple[RowRule, ...]
    hidden: tuple[Hidden, ...]
