from collections.abc import Callable, Iterable
from typing import Any

from .. import Tensor

Params = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]

class Optimizer:
    defaults: dict[str, Any]
    param_groups: list[dict[str, Any]]
    @property
    def state(self) -> dict[Tensor, dict[str, Tensor]]: ...
    def add_param_group(self, param_group: dict[str, Any]) -> None: ...
    def step(self, closure: Callable[[], Any] | None = ...) -> Any: ...
    def zero_grad(self, set_to_none: bool = ...) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...

class SGD(Optimizer):
    def __init__(
        self, params: Params, lr: float = ..., momentum: float = ..., dampening: float = ..., weight_decay: float = ...,
        nesterov: bool = ..., *, maximize: bool = ..., foreach: bool | None = ..., differentiable: bool = ...,
        fused: bool | None = ...,
    ) -> None: ...

class Adam(Optimizer):
    def __init__(
        self, params: Params, lr: float = ..., betas: tuple[float, float] = ..., eps: float = ..., weight_decay: float = ...,
        amsgrad: bool = ..., *, foreach: bool | None = ..., maximize: bool = ..., capturable: bool = ...,
        differentiable: bool = ..., fused: bool | None = ..., decoupled_weight_decay: bool = ...,
    ) -> None: ...

class AdamW(Optimizer):
    def __init__(
        self, params: Params, lr: float = ..., betas: tuple[float, float] = ..., eps: float = ..., weight_decay: float = ...,
        amsgrad: bool = ..., *, maximize: bool = ..., foreach: bool | None = ..., capturable: bool = ...,
        differentiable: bool = ..., fused: bool | None = ...,
    ) -> None: ...
