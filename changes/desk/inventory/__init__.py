"""Pages of the inventory: assets, drift, the monthly reconciliation."""
