from typing import Self

from .. import Tensor

class Parameter(Tensor):
    def __new__(cls, data: Tensor | None = ..., requires_grad: bool = ...) -> Self: ...

class Buffer(Tensor):
    persistent: bool
    def __new__(cls, data: Tensor | None = ..., *, persistent: bool = ...) -> Self: ...
