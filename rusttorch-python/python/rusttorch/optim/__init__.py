"""Optimizers. The arithmetic of a step is one call for all parameters of a group."""

from .optimizer import SGD, Adam, AdamW, Optimizer

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]


def __getattr__(name):
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}: either PyTorch has none, or RustTorch does not have it yet"
    )
