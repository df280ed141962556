"""Stand-in of an OpenID Connect provider."""

from portal.standins.openid.standin import OpenIDStandIn

__all__ = ["OpenIDStandIn"]
