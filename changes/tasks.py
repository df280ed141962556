"""Index: Celery looks for tasks here. Each feature's tasks are imported by name."""
