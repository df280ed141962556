"""Pages of the two-way ledger of completeness."""
