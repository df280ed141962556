"""Who may do what in the five systems and the portal: access snapshots, their differences, and access reviews (P-19)."""
