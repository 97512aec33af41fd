"""Who computes."""

from . import _rusttorch as _C
from ._rusttorch import current, list, report, set_default

__all__ = ["current", "list", "report", "set_default", "use"]


class use:
    """Inside of a ``with`` block the ops of this thread run on the backend of this name."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        _C._enter(self.name)
        return self

    def __exit__(self, *exception):
        _C._leave()


class _Absent:
    """A library that PyTorch may have and RustTorch has not."""

    enabled = False
    deterministic = True
    benchmark = False

    @staticmethod
    def is_available():
        """False."""
        return False

    @staticmethod
    def is_built():
        """False."""
        return False


cudnn, mps, mkl, mkldnn, openmp, cuda = (_Absent() for _ in range(6))
