"""Reading what is not on this machine: one port with limits, retries, and addresses that are refused."""

from galleryctl.fetch.http import Http
from galleryctl.fetch.port import DeniedError, Fetcher, FetchError, Limits, MissingError, RefusedError, Response
from galleryctl.fetch.ranged import Ranged

__all__ = [
    "DeniedError",
    "FetchError",
    "Fetcher",
    "Http",
    "Limits",
    "MissingError",
    "Ranged",
    "RefusedError",
    "Response",
]
