"""Layers, activations and losses as functions."""

from .. import _rusttorch as _C
from .._functions import _ops

globals().update(_C._functions("torch.nn.functional"))
hardshrink, prelu, pad = _ops["hardshrink"], _ops["prelu"], globals().get("pad")
sigmoid, tanh = _ops["sigmoid"], _ops["tanh"]
if pad is None:
    del pad

_dropout = _C._functions("torch.nn.functional")["dropout"]


def dropout(input, p=0.5, training=True, inplace=False):
    """Zeros elements with probability ``p`` and scales the others by ``1 / (1 - p)``, in training."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return _dropout(input, p, training, inplace=inplace)


def __getattr__(name):
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}: either PyTorch has none, or RustTorch does not have it yet"
    )
