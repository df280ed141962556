"""A year of Northwind Labs before the week that the demo company shows: planned from a seed, then played at its own times.

``plan`` is pure: the same seed, scale and last day give the same steps. ``player`` takes them in the order of time: acts at
the vendors' stand-ins, deeds of people in the portal, and in between what the workers would have done, all with that
clock. What must be found afterwards stands in the plan too. Deviations and traps are ``scenarios``.
"""
