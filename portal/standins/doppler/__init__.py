"""A stand-in of Doppler: projects, configs, secrets with their values, logs, change requests and webhooks over its REST API."""

from portal.standins.doppler.people import DopplerError
from portal.standins.doppler.standin import DopplerStandIn

__all__ = ["DopplerError", "DopplerStandIn"]
