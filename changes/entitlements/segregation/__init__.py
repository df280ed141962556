"""Who could write, approve and deploy alone, over all systems, and the limits that a small team accepts (P-19)."""
