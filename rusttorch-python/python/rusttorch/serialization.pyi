import os
from typing import IO, Any

def save(
    obj: Any, f: str | os.PathLike[str] | IO[bytes], pickle_module: Any = ..., pickle_protocol: Any = ...,
    _use_new_zipfile_serialization: bool = ...,
) -> None: ...
def load(
    f: str | os.PathLike[str] | IO[bytes], map_location: Any = ..., pickle_module: Any = ..., *, weights_only: bool = ...,
    mmap: bool | None = ...,
) -> Any: ...
