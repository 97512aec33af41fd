"""What the class ``Tensor`` has from Python: copying, pickling, NumPy, and methods that are no op of the catalogue."""

from . import _rusttorch as _C
from ._rusttorch import Tensor

_polygamma = _C._op("torch.polygamma", False, False)
_where = _C._op("torch.where", False, False)


def _leaf_like(tensor, data):
    """Another tensor of the same class and flags around these elements."""
    if type(tensor) is Tensor:
        copy = data
    else:
        copy = Tensor.__new__(type(tensor), data)
        copy.__dict__.update(tensor.__dict__)
    return copy.requires_grad_(tensor.requires_grad)


def __copy__(self):
    if not self.is_leaf:
        raise RuntimeError("only leaves of the graph can be copied by copy.copy; use tensor.detach() or tensor.clone()")
    return _leaf_like(self, self.detach())


def __deepcopy__(self, memo):
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment"
        )
    copy = _leaf_like(self, self.detach().clone())
    if self.grad is not None:
        copy.grad = self.grad.__deepcopy__(memo)
    memo[id(self)] = copy
    return copy


def _bytes(tensor):
    """The elements, row by row, the lowest byte first."""
    import sys

    dense = tensor.detach().contiguous()
    if dense.numel() == 0:
        return b""
    # Formats of the buffer protocol are no matter here, so that bfloat16 goes, too.
    width = {1: _C.uint8, 2: _C.int16, 4: _C.int32, 8: _C.int64}[dense.element_size()]
    raw = memoryview(dense if dense.dtype is _C.bool else dense.view(width))
    if sys.byteorder == "little":
        return raw.tobytes()
    import array

    swapped = array.array({1: "B", 2: "h", 4: "i", 8: "q"}[dense.element_size()], raw.tobytes())
    swapped.byteswap()
    return swapped.tobytes()


def _rebuild(kind, data, dtype, shape, requires_grad, attributes):
    tensor = _C._from_bytes(data, dtype, shape)
    if kind is not Tensor:
        tensor = Tensor.__new__(kind, tensor)
        tensor.__dict__.update(attributes)
    return tensor.requires_grad_(requires_grad)


def __reduce_ex__(self, protocol):
    if not self.is_leaf:
        raise RuntimeError("only leaves of the graph can be pickled; use tensor.detach()")
    attributes = {} if type(self) is Tensor else self.__dict__
    return _rebuild, (type(self), _bytes(self), self.dtype, tuple(self.shape), self.requires_grad, attributes)


def numpy(self, *, force=False):
    """The elements as an array of NumPy, which shares their memory."""
    import numpy as np

    tensor = self
    if self.requires_grad:
        if not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        tensor = self.detach()
    if tensor.dtype is _C.bfloat16:
        raise TypeError("Got unsupported ScalarType BFloat16")
    return np.asarray(memoryview(tensor))


def __array__(self, dtype=None, copy=None):
    import numpy as np

    array = self.numpy()
    if dtype is not None and array.dtype != np.dtype(dtype):
        if copy is False:
            raise ValueError("a tensor of another dtype cannot be had without a copy")
        return array.astype(dtype)
    return array.copy() if copy else array


def where(self, condition, other):
    """Elements of this tensor where the condition is true, else of the other."""
    return _where(condition, self, other)


def polygamma(self, n):
    """The n-th derivative of digamma."""
    return _polygamma(n, self)


def apply_(self, function):
    """Calls a function with each element and puts its result in the element's place."""
    with_results = [function(v) for v in self.flatten().tolist()]
    return self.copy_(_C._functions("torch")["tensor"](with_results, dtype=self.dtype).reshape(self.shape))


def __format__(self, spec):
    if self.dim() == 0:
        return self.item().__format__(spec)
    return object.__format__(self, spec)


def __reversed__(self):
    return self if self.dim() == 0 else self.flip(0)


def get_device(self):
    """-1, the number of the CPU."""
    return -1


def to_device(self, device, /, *, stream=None):
    """This tensor, which is on the one device that there is."""
    if stream is not None:
        raise ValueError(f"to_device: the CPU has no streams, and {stream!r} is none")
    return self.to(_C.device(device))


def __array_namespace__(self, *, api_version=None):
    """The array API standard over tensors: ``rusttorch.array_api``."""
    from .array_api import _namespace

    return _namespace(api_version)


def is_nonzero(self):
    """Whether the only element is not 0."""
    return bool(self)


def is_pinned(self):
    """False: there is no other device to copy to."""
    return False


for _f in (
    __copy__, __deepcopy__, __reduce_ex__, numpy, __array__, where, polygamma, apply_, __format__, __reversed__,
    get_device, is_nonzero, is_pinned, to_device, __array_namespace__,
):
    _f.__qualname__ = f"Tensor.{_f.__name__}"
    setattr(Tensor, _f.__name__, _f)
Tensor.__array_priority__ = 1000
