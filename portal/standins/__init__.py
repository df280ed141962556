"""Stand-ins of the vendors over real HTTP, for the tests and for the demo company.

They know nothing of the portal: plain Python and ``git``. Each keeps its state in one folder and survives a restart.
"""
