"""Reading what is not on this machine: one port with limits, retries, and addresses that are refused."""

from galleryctl.fetch.port import DeniedError, Fetcher, FetchError, Limits, MissingError, RefusedError, Response

__all__ = ["DeniedError", "FetchError", "Fetcher", "Limits", "MissingError", "RefusedError", "Response"]
