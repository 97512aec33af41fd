"""Files of PyTorch's ``torch.save``: a zip of a pickle and the elements of tensors.

The unpickler calls nothing that the file names: it knows a handful of names, each of which stands for a function of this
file, and refuses every other by its name. Nor can a file set anything on what the names stand for, which serves every
file.
"""

import pickle
import zipfile
from collections import OrderedDict

from . import _rusttorch as _C
from ._size import Size
from .nn.parameter import Parameter

_STORAGES = {
    "BoolStorage": _C.bool,
    "ByteStorage": _C.uint8,
    "CharStorage": _C.int8,
    "ShortStorage": _C.int16,
    "IntStorage": _C.int32,
    "LongStorage": _C.int64,
    "HalfStorage": _C.float16,
    "BFloat16Storage": _C.bfloat16,
    "FloatStorage": _C.float32,
    "DoubleStorage": _C.float64,
}
_DTYPES = {repr(d).removeprefix("torch."): d for d in _STORAGES.values()}


class _Shared:
    """What a name stands for in every file."""

    __slots__ = ()

    def __setstate__(self, state):
        raise pickle.UnpicklingError("load: refused to set the state of what a name stands for")


class _Storage(_Shared):
    """The kind of a storage, which is a name in the file."""

    __slots__ = ("dtype",)

    def __init__(self, dtype):
        self.dtype = dtype


class _Function(_Shared):
    """A function that makes what a file holds."""

    __slots__ = ("_make",)

    def __init__(self, make):
        self._make = make

    def __call__(self, *arguments):
        return self._make(*arguments)


def _rebuild_tensor(storage, offset, size, stride, requires_grad=False, backward_hooks=None, metadata=None):
    return storage.as_strided(size, stride, offset).clone().requires_grad_(bool(requires_grad))


def _rebuild_parameter(data, requires_grad, backward_hooks=None):
    return Parameter(data, bool(requires_grad))


_KNOWN = {
    ("collections", "OrderedDict"): _Function(OrderedDict),
    ("torch", "Size"): _Function(Size),
    ("torch._utils", "_rebuild_tensor_v2"): _Function(_rebuild_tensor),
    ("torch._utils", "_rebuild_parameter"): _Function(_rebuild_parameter),
    **{("torch", name): _Storage(dtype) for name, dtype in _STORAGES.items()},
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, storage):
        super().__init__(file, encoding="utf-8")
        self._storage = storage

    def find_class(self, module, name):
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"load: refused {module}.{name}: files may hold tensors and plain containers, and nothing in them is called"
            ) from None

    def persistent_load(self, pid):
        kind, storage, key, location, numel = pid
        if kind != "storage" or not isinstance(storage, _Storage):
            raise pickle.UnpicklingError(f"load: refused a persistent object of kind {kind!r}")
        return self._storage(storage.dtype, key, numel)


def load_zip(file):
    """The object in a zip file of ``torch.save``."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("load: the zip file is none of torch.save: it has no data.pkl")
        folder = pickles[0].removesuffix("data.pkl")
        order = archive.read(folder + "byteorder").decode() if folder + "byteorder" in names else "little"
        if order != "little":
            raise ValueError(f"load: the file was written on a machine of byte order {order}")
        read = {}

        def storage(dtype, key, numel):
            if key not in read:
                read[key] = _C._from_bytes(archive.read(f"{folder}data/{key}"), dtype, [numel])
            return read[key]

        with archive.open(pickles[0]) as data:
            return _Unpickler(data, storage).load()
