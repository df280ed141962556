"""The benchmark: fills many changes, measures pages, door and ledger against bare baselines of the same run.

No part of the product: nothing outside of this folder but ``manage.py bench`` imports it. What the figures mean stands in
docs/performance.md.
"""
