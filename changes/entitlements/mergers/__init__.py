"""Who may merge into a restricted branch: lists proposed by one and confirmed by another, dated and kept (P-20)."""
