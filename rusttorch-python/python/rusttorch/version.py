"""Versions."""

from ._rusttorch import __version__

cuda = None
hip = None
git_version = None
