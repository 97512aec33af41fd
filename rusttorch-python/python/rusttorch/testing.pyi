from collections.abc import Callable
from typing import Any

def assert_close(
    actual: Any, expected: Any, *, rtol: float | None = ..., atol: float | None = ..., equal_nan: bool = ...,
    check_device: bool = ..., check_dtype: bool = ..., check_stride: bool = ..., msg: str | Callable[[str], str] | None = ...,
) -> None: ...
