"""Special functions."""

from . import _rusttorch as _C

globals().update(_C._functions("torch.special"))
__all__ = [*_C._functions("torch.special")]
