"""Decompositions and solvers."""

from . import _rusttorch as _C
from ._rusttorch import LinAlgError

globals().update(_C._functions("torch.linalg"))
__all__ = ["LinAlgError", *_C._functions("torch.linalg")]
