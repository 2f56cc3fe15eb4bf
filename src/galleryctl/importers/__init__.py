"""Import from anywhere: catalogues of runtimes, hubs, stores, training runs, other galleries."""

from galleryctl.importers.base import FIRST, Candidate, Importer, Options, Reference, Rejected, Remark

__all__ = ["FIRST", "Candidate", "Importer", "Options", "Reference", "Rejected", "Remark"]
