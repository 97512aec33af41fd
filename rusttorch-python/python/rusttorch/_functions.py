"""Functions of the top level that are no op of the catalogue."""

from . import _rusttorch as _C
from ._rusttorch import Generator, Tensor

_ops = _C._functions("torch")
_where, _tensor = _ops["where"], _ops["tensor"]

default_generator = _C._default_generator()


def manual_seed(seed):
    """Seeds the default generator and returns it."""
    return default_generator.manual_seed(seed)


def seed():
    """Seeds the default generator with a number that nobody knows, and returns it."""
    import os

    number = int.from_bytes(os.urandom(8), "little")
    default_generator.manual_seed(number)
    return number


def initial_seed():
    """The number that the default generator was seeded with."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the default generator in a tensor of bytes."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Continues the default generator from a state."""
    default_generator.set_state(new_state)


def where(condition, input=None, other=None, *, out=None):
    """Elements of ``input`` where the condition is true, else of ``other``; without them the indices of what is true."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    return _where(condition, input, other, out=out)


def is_tensor(obj):
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input):
    """Whether the elements are of a floating-point dtype."""
    return input.is_floating_point()


def is_complex(input):
    """False: there are no complex dtypes."""
    return input.is_complex()


def is_nonzero(input):
    """Whether the only element is not 0."""
    return bool(input)


def numel(input):
    """How many elements there are."""
    return input.numel()


def as_tensor(data, dtype=None, device=None):
    """The data as a tensor, which shares memory with a tensor or an array where the dtype allows it."""
    if device is not None:
        _C.device(device)
    if isinstance(data, Tensor):
        return data.to(device, dtype)
    if hasattr(data, "__array_interface__") and getattr(data, "ndim", 0):
        shared = _C.from_numpy(data)
        return shared if dtype is None else shared.to(dtype)
    return _tensor(data, dtype=dtype, device=device)


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False):
    """As ``as_tensor``, from anything that shares memory, with a say in whether it is copied."""
    if isinstance(obj, Tensor):
        out = obj.detach()
    elif hasattr(obj, "__dlpack__"):
        out = _C.from_dlpack(obj)
    elif hasattr(obj, "__array_interface__") and getattr(obj, "ndim", 0):
        out = _C.from_numpy(obj)
    else:
        if copy is False:
            raise ValueError("asarray: elements of this kind cannot be had without a copy")
        return _tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    if dtype is not None and out.dtype is not dtype:
        if copy is False:
            raise ValueError("asarray: another dtype cannot be had without a copy")
        out = out.to(dtype)
    elif copy:
        out = out.clone()
    if device is not None:
        out = out.to(device)
    return out.requires_grad_() if requires_grad else out


def get_default_dtype():
    """float32, the dtype of new floating-point tensors."""
    return _C.float32


def set_default_dtype(d):
    """Accepts float32, which is the default and the only one so far."""
    if d is not _C.float32:
        raise NotImplementedError(f"the default dtype is float32 and cannot be {d!r} yet")


def get_default_device():
    """The CPU."""
    return _C.device("cpu")


def typename(obj):
    """The name of the type, for tensors with that of the dtype."""
    return obj.type() if isinstance(obj, Tensor) else f"{type(obj).__module__}.{type(obj).__qualname__}"


def is_inference_mode_enabled():
    """Whether nothing is recorded."""
    return not _C.is_grad_enabled()


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Does nothing: every algorithm here gives the same bits each time."""


def are_deterministic_algorithms_enabled():
    """True: there are no others."""
    return True
