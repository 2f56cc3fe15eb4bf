"""Native exports: the files that runtimes read, one module for each runtime."""

from galleryctl.exports.base import Exporter, File, Item, Left, Made

__all__ = ["Exporter", "File", "Item", "Left", "Made"]
