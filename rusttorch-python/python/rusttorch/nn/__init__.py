"""Modules: layers, activations, losses, and what they are made of."""

from . import functional, init, utils
from .activations import (
    CELU, ELU, GELU, GLU, SELU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid, LogSoftmax, Mish, ReLU,
    ReLU6, Sigmoid, SiLU, Softmax, Softmin, Softplus, Softshrink, Softsign, Tanh, Tanhshrink, Threshold,
)
from .containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .layers import Dropout, Flatten, Identity, Linear, PReLU, Unflatten
from .losses import BCELoss, CrossEntropyLoss, L1Loss, MSELoss, SmoothL1Loss
from .module import Module
from .parameter import Buffer, Parameter


def __getattr__(name):
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}: either PyTorch has none, or RustTorch does not have it yet"
    )
