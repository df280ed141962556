"""A stand-in of Doppler: projects, configs, secrets with their values, logs, change requests and webhooks over its REST API."""

from portal.standins.doppler.standin import DopplerStandIn
from portal.standins.doppler.world import DopplerError

__all__ = ["DopplerError", "DopplerStandIn"]
