"""Access reviews: campaigns over a frozen list of rights, split by who answers for each system (P-19)."""
