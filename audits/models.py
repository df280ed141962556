"""Index: Django looks for models here. Each feature's models are imported by name."""
