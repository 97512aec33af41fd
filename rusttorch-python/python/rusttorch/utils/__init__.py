"""Data, and what is left."""

from . import data

__all__ = ["data"]
