"""The stand-ins for the tests of the stand-ins themselves."""

from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]
