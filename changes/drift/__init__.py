"""What runs beside what Git says, staging beside production, and environments beside each other (P-07, P-10, P-15)."""
