"""Insights: how delivery, controls, people and systems do, each picture with its finding, its numbers and its rows."""
