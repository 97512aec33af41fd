"""Tensors that modules learn."""

from .._rusttorch import Tensor
from .._functions import _ops

_empty = _ops["empty"]


class Parameter(Tensor):
    """A tensor that a module counts among its parameters when it becomes an attribute of it."""

    def __new__(cls, data=None, requires_grad=True):
        data = _empty(0) if data is None else data
        return Tensor.__new__(cls, data).requires_grad_(requires_grad)

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        copy = type(self)(self.detach().clone(), self.requires_grad)
        memo[id(self)] = copy
        return copy


class Buffer(Tensor):
    """A tensor that a module keeps, but does not learn, when it becomes an attribute of it."""

    def __new__(cls, data=None, *, persistent=True):
        self = Tensor.__new__(cls, _empty(0) if data is None else data)
        self.persistent = persistent
        return self
