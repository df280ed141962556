"""`manage.py doctor`: what is missing or unsafe here, and how to mend it."""
