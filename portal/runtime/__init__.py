"""Starts and watches what the portal runs on: PostgreSQL, Valkey, web, worker, scheduler.

Everything here but the commands, the models and the tasks works without Django: the supervisor has to stay small.
"""
