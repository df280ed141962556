"""What there is at the five vendors: assets with their configuration over time, and what their logs say was done to them (P-23)."""
