"""Small classes and constants that programs name: what dtypes can hold, and layouts."""

from . import _rusttorch as _C


class finfo:
    """What a floating-point dtype can hold."""

    def __init__(self, dtype=None):
        self.dtype = _name(dtype or _C.float32)
        numbers = _C._finfo(dtype or _C.float32)
        self.bits, self.eps, self.max, self.tiny, self.smallest_subnormal, self.resolution = numbers
        self.min = -self.max
        self.smallest_normal = self.tiny

    def __repr__(self):
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """What an integer dtype can hold."""

    def __init__(self, dtype):
        self.dtype = _name(dtype)
        self.bits, self.min, self.max = _C._iinfo(dtype)

    def __repr__(self):
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


def _name(dtype):
    return repr(dtype).removeprefix("torch.")


class _Word:
    """A constant that prints as PyTorch's does."""

    __slots__ = ("_text",)

    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return f"torch.{self._text}"

    def __reduce__(self):
        return self._text


class layout(_Word):
    """How elements lie in memory."""


class memory_format(_Word):
    """The order of elements in memory."""


strided = layout("strided")
sparse_coo = layout("sparse_coo")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
