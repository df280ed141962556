"""A stand-in of Fly: apps, machines and releases over Machines REST, GraphQL and the platform's REST."""

from portal.standins.fly.standin import FlyStandIn
from portal.standins.fly.world import FlyError

__all__ = ["FlyError", "FlyStandIn"]
