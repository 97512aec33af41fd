"""Versions."""

from ._version import __version__

cuda = None
hip = None
git_version = None
