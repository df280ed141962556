"""A stand-in of Cloudflare: zones, DNS records, Access, members, audit log over its REST API."""

from portal.standins.cloudflare.standin import CloudflareStandIn
from portal.standins.cloudflare.world import CloudflareError

__all__ = ["CloudflareError", "CloudflareStandIn"]
