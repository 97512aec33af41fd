"""Writes the stubs of the extension module and of the package from the catalogue: `python stubs.py`, after a build."""

import keyword
import pathlib

import rusttorch
from rusttorch import _rusttorch as _C

PACKAGE = pathlib.Path(rusttorch.__file__).parent

# Python's types for the kinds of parameters.
KINDS = {
    "Tensor": "Tensor",
    "Tensor[]": "Sequence[Tensor]",
    "Tensor?[]": "Sequence[Tensor | None]",
    "Tensor or Number": "Tensor | Number",
    "Number": "Number",
    "Number[]": "Sequence[Number]",
    "bool": "bool",
    "int": "int",
    "int[]": "int | Sequence[int]",
    "float": "float",
    "float[]": "float | Sequence[float]",
    "str": "str",
    "dtype": "_DType",
    "object": "Any",
    "object[]": "Sequence[Any]",
}

# What is not a tensor: results by path, else by what follows the last dot of it.
SEVERAL = "tuple[Tensor, ...]"
RESULTS = {
    **dict.fromkeys(("allclose", "equal"), "bool"),
    "result_type": "_DType",
    **dict.fromkeys(
        ("split", "split_with_sizes", "chunk", "tensor_split", "hsplit", "vsplit", "dsplit", "unbind", "broadcast_tensors",
         "meshgrid", "var_mean", "std_mean"),
        SEVERAL,
    ),
    # One tensor or several, as the arguments have it.
    **dict.fromkeys(("max", "min", "median", "nanmedian", "nonzero", "atleast_1d", "atleast_2d", "atleast_3d", "unique",
                     "unique_consecutive", "histogram", "lu"), "Any"),
}
CREATES = {"zeros", "ones", "empty", "full", "arange", "linspace", "logspace", "eye", "tensor", "scalar_tensor", "rand",
           "randn", "randint", "randperm", "normal", "empty_like", "zeros_like", "ones_like", "full_like", "rand_like",
           "randn_like", "randint_like", "new_empty", "new_zeros", "new_ones", "new_full", "new_tensor", "tril_indices",
           "triu_indices"}
DRAWS = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "uniform_", "normal_", "bernoulli_",
         "exponential_", "random_", "geometric_", "cauchy_", "log_normal_"}

HEAD = '''# Written by stubs.py from the catalogue of ops.
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, overload

'''


def result(path):
    """The type of what an op returns."""
    name = path.rsplit(".", 1)[1]
    if name in _C._fields() and name not in RESULTS:
        return "Any"
    return RESULTS.get(name, "Tensor")


def signature(op, *, method=False, out=True):
    """The parameters of an op as Python writes them."""
    path, params, has_out, _, _ = op
    name = path.rsplit(".", 1)[1]
    parts, star = [], False
    places = [p for p in params if not p[3]]
    for i, (param, kind, optional, by_name, gathers) in enumerate(params):
        if method and i == 0:
            parts.append("self")
            continue
        if by_name and not star:
            parts.append("*")
            star = True
        hint = KINDS[kind]
        if optional:
            hint += " | None"
        last = not by_name and i + 1 == len(places)
        if last and (gathers or path in ("torch.Tensor.view", "torch.atleast_1d", "torch.atleast_2d", "torch.atleast_3d")):
            parts.append(f"*{param}: {'Any' if kind != 'Tensor[]' else 'Tensor | Sequence[Tensor]'}")
            star = True
            continue
        safe = f"{param}_" if keyword.iskeyword(param) else param
        parts.append(f"{safe}: {hint}" + (" = ..." if optional else ""))
    extra = []
    if has_out and out:
        extra.append("out: Any = ...")
    if name in CREATES:
        extra += ["device: Any = ...", "requires_grad: bool = ...", "layout: Any = ...", "pin_memory: bool = ..."]
        extra += ["memory_format: Any = ..."] if name.endswith("_like") else []
    if name in DRAWS:
        extra.append("generator: Generator | None = ...")
    if name in ("clone", "contiguous"):
        extra.append("memory_format: Any = ...")
    if extra and not star:
        parts.append("*")
    return ", ".join(parts + extra)


def functions(module, ops):
    """The functions of a module."""
    lines = []
    for op in ops:
        prefix, name = op[0].rsplit(".", 1)
        if prefix == module and not keyword.iskeyword(name):
            lines.append(f"def {name}({signature(op)}) -> {result(op[0])}: ...")
            if f"{name}_" in _C._functions(module):
                lines.append(f"def {name}_({signature(op, out=False)}) -> Tensor: ...")
    return lines


# What the class has beside the ops, with types that Rust does not tell.
TENSOR = """
class Tensor:
    def __new__(cls, *args: Any, device: Any = ...) -> Self: ...
    @property
    def shape(self) -> Size: ...
    @property
    def dtype(self) -> _DType: ...
    @property
    def device(self) -> _Device: ...
    @property
    def ndim(self) -> int: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def is_leaf(self) -> bool: ...
    @property
    def is_cuda(self) -> bool: ...
    @property
    def is_cpu(self) -> bool: ...
    @property
    def is_sparse(self) -> bool: ...
    @property
    def is_quantized(self) -> bool: ...
    @property
    def is_meta(self) -> bool: ...
    @property
    def grad_fn(self) -> Any: ...
    @property
    def T(self) -> Tensor: ...
    @property
    def mT(self) -> Tensor: ...
    @property
    def H(self) -> Tensor: ...
    @property
    def mH(self) -> Tensor: ...
    requires_grad: bool
    grad: Tensor | None
    data: Tensor
    @overload
    def size(self, dim: None = ...) -> Size: ...
    @overload
    def size(self, dim: int) -> int: ...
    @overload
    def stride(self, dim: None = ...) -> tuple[int, ...]: ...
    @overload
    def stride(self, dim: int) -> int: ...
    def storage_offset(self) -> int: ...
    def data_ptr(self) -> int: ...
    def get_device(self) -> int: ...
    def dim(self) -> int: ...
    def ndimension(self) -> int: ...
    def numel(self) -> int: ...
    def nelement(self) -> int: ...
    def element_size(self) -> int: ...
    def is_contiguous(self, memory_format: Any = ...) -> bool: ...
    def is_floating_point(self) -> bool: ...
    def is_complex(self) -> bool: ...
    def is_signed(self) -> bool: ...
    def is_same_size(self, other: Tensor) -> bool: ...
    def is_nonzero(self) -> bool: ...
    def is_pinned(self) -> bool: ...
    def item(self) -> Any: ...
    def tolist(self) -> Any: ...
    def numpy(self, *, force: bool = ...) -> Any: ...
    def to(self, *args: Any, **kwargs: Any) -> Tensor: ...
    def cpu(self, memory_format: Any = ...) -> Tensor: ...
    def cuda(self, *args: Any, **kwargs: Any) -> Tensor: ...
    def type(self, dtype: Any = ...) -> Any: ...
    def type_as(self, other: Tensor) -> Tensor: ...
    def float(self, memory_format: Any = ...) -> Tensor: ...
    def double(self, memory_format: Any = ...) -> Tensor: ...
    def half(self, memory_format: Any = ...) -> Tensor: ...
    def bfloat16(self, memory_format: Any = ...) -> Tensor: ...
    def int(self, memory_format: Any = ...) -> Tensor: ...
    def long(self, memory_format: Any = ...) -> Tensor: ...
    def short(self, memory_format: Any = ...) -> Tensor: ...
    def char(self, memory_format: Any = ...) -> Tensor: ...
    def byte(self, memory_format: Any = ...) -> Tensor: ...
    def bool(self, memory_format: Any = ...) -> Tensor: ...
    def requires_grad_(self, requires_grad: builtins.bool = ...) -> Self: ...
    def copy_(self, src: Tensor, non_blocking: builtins.bool = ...) -> Self: ...
    def fill_(self, value: Tensor | Number) -> Self: ...
    def zero_(self) -> Self: ...
    def apply_(self, function: Callable[[Any], Any]) -> Self: ...
    def where(self, condition: Tensor, other: Tensor | Number) -> Tensor: ...
    def polygamma(self, n: builtins.int) -> Tensor: ...
    def backward(
        self, gradient: Tensor | None = ..., retain_graph: builtins.bool | None = ..., create_graph: builtins.bool = ...,
        inputs: Any = ...,
    ) -> None: ...
    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any: ...
    def retain_grad(self) -> None: ...
    def __len__(self) -> builtins.int: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __contains__(self, element: Any) -> builtins.bool: ...
    def __getitem__(self, index: Any) -> Tensor: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...
    def __bool__(self) -> builtins.bool: ...
    def __int__(self) -> builtins.int: ...
    def __float__(self) -> builtins.float: ...
    def __index__(self) -> builtins.int: ...
    def __array__(self, dtype: Any = ..., copy: builtins.bool | None = ...) -> Any: ...
    def __dlpack__(
        self, *, stream: Any = ..., max_version: tuple[builtins.int, builtins.int] | None = ..., dl_device: Any = ...,
        copy: builtins.bool | None = ...,
    ) -> Any: ...
    def __array_namespace__(self, *, api_version: str | None = ...) -> Any: ...
    def to_device(self, device: Any, /, *, stream: None = ...) -> Tensor: ...
    def __dlpack_device__(self) -> tuple[builtins.int, builtins.int]: ...
    def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
    def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
    def __hash__(self) -> builtins.int: ...
"""
BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()


def tensor(ops):
    """The class."""
    text = TENSOR.strip("\n").replace(": bool", ": builtins.bool").replace("-> bool", "-> builtins.bool")
    text = text.replace("-> int", "-> builtins.int").replace(": int", ": builtins.int").replace("[int", "[builtins.int")
    lines = text.split("\n")
    for name in BINARY:
        lines.append(f"    def __{name}__(self, other: Any) -> Tensor: ...")
        lines.append(f"    def __r{name}__(self, other: Any) -> Tensor: ...")
        if name != "matmul":
            lines.append(f"    def __i{name}__(self, other: Any) -> Self: ...")
    lines += [f"    def __{name}__(self, other: Any) -> Tensor: ..." for name in ("lt", "le", "gt", "ge")]
    lines += [f"    def __{name}__(self) -> Tensor: ..." for name in ("neg", "pos", "abs", "invert")]
    have = {line.split("def ")[1].split("(")[0] for line in lines if "def " in line}
    for op in ops:
        path, _, _, in_place, method = op
        prefix, name = path.rsplit(".", 1)
        if not (method or prefix == "torch.Tensor") or name.startswith("__"):
            continue
        hints = signature(op, method=True, out=False)
        for old in ("bool", "int", "float"):
            hints = hints.replace(f": {old}", f": builtins.{old}").replace(f"[{old}]", f"[builtins.{old}]")
        if name not in have:
            have.add(name)
            kind = result(path).replace("bool", "builtins.bool")
            lines.append(f"    def {name}({hints}) -> {kind}: ...")
        if in_place and f"{name}_" not in have and not name.endswith("_"):
            have.add(f"{name}_")
            lines.append(f"    def {name}_({hints}) -> Self: ...")
    return lines


CLASSES = """
import builtins

Number = builtins.bool | builtins.int | builtins.float
# By these names where an attribute has the name of its type.
_DType = dtype
_Device = device


class dtype:
    @property
    def is_floating_point(self) -> builtins.bool: ...
    @property
    def is_complex(self) -> builtins.bool: ...
    @property
    def is_signed(self) -> builtins.bool: ...
    @property
    def itemsize(self) -> builtins.int: ...


class device:
    def __init__(self, device: Any, index: builtins.int | None = ...) -> None: ...
    @property
    def type(self) -> str: ...
    @property
    def index(self) -> builtins.int | None: ...


class Generator:
    def __init__(self, device: Any = ...) -> None: ...
    def manual_seed(self, seed: builtins.int) -> Generator: ...
    def initial_seed(self) -> builtins.int: ...
    def get_state(self) -> Tensor: ...
    def set_state(self, new_state: Tensor) -> Generator: ...
    @property
    def device(self) -> _Device: ...


class Size(tuple[builtins.int, ...]):
    def numel(self) -> builtins.int: ...

"""

TOP = """
from . import array_api as array_api, autograd as autograd, backends as backends, cuda as cuda, linalg as linalg, nn as nn, optim as optim
from . import special as special, testing as testing, utils as utils
from .serialization import load as load, save as save

bool: _DType
uint8: _DType
int8: _DType
int16: _DType
short: _DType
int32: _DType
int: _DType
int64: _DType
long: _DType
float16: _DType
half: _DType
bfloat16: _DType
float32: _DType
float: _DType
float64: _DType
double: _DType
strided: Any
sparse_coo: Any
contiguous_format: Any
preserve_format: Any
channels_last: Any
channels_last_3d: Any
default_generator: Generator
e: builtins.float
inf: builtins.float
nan: builtins.float
pi: builtins.float
newaxis: None
__version__: str


class finfo:
    bits: builtins.int
    eps: builtins.float
    max: builtins.float
    min: builtins.float
    tiny: builtins.float
    smallest_normal: builtins.float
    smallest_subnormal: builtins.float
    resolution: builtins.float
    dtype: str
    def __init__(self, dtype: Any = ...) -> None: ...


class iinfo:
    bits: builtins.int
    max: builtins.int
    min: builtins.int
    dtype: str
    def __init__(self, dtype: Any) -> None: ...


class _Mode:
    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...
    def __call__[F: Callable[..., Any]](self, function: F) -> F: ...


class no_grad(_Mode):
    def __init__(self, function: Any = ...) -> None: ...


class enable_grad(_Mode):
    def __init__(self, function: Any = ...) -> None: ...


class inference_mode(_Mode):
    def __init__(self, mode: Any = ...) -> None: ...


class set_grad_enabled(_Mode):
    def __init__(self, mode: builtins.bool) -> None: ...


def can_cast(from_: _DType, to: _DType) -> builtins.bool: ...
def promote_types(a: _DType, b: _DType) -> _DType: ...
def from_dlpack(ext_tensor: Any, *, device: Any = ..., copy: builtins.bool | None = ...) -> Tensor: ...
def from_numpy(array: Any) -> Tensor: ...
def frombuffer(buffer: Any, *, dtype: _DType, count: builtins.int = ..., offset: builtins.int = ...) -> Tensor: ...
def get_num_threads() -> builtins.int: ...
def set_num_threads(threads: builtins.int) -> None: ...
def is_grad_enabled() -> builtins.bool: ...
def is_inference_mode_enabled() -> builtins.bool: ...
def manual_seed(seed: builtins.int) -> Generator: ...
def seed() -> builtins.int: ...
def initial_seed() -> builtins.int: ...
def get_rng_state() -> Tensor: ...
def set_rng_state(new_state: Tensor) -> None: ...
def is_tensor(obj: Any) -> builtins.bool: ...
def is_floating_point(input: Tensor) -> builtins.bool: ...
def is_complex(input: Tensor) -> builtins.bool: ...
def is_nonzero(input: Tensor) -> builtins.bool: ...
def numel(input: Tensor) -> builtins.int: ...
def as_tensor(data: Any, dtype: _DType | None = ..., device: Any = ...) -> Tensor: ...
def asarray(
    obj: Any, *, dtype: _DType | None = ..., device: Any = ..., copy: builtins.bool | None = ..., requires_grad: builtins.bool = ...
) -> Tensor: ...
def get_default_dtype() -> _DType: ...
def set_default_dtype(d: _DType) -> None: ...
def get_default_device() -> _Device: ...
def typename(obj: Any) -> str: ...
def use_deterministic_algorithms(mode: builtins.bool, *, warn_only: builtins.bool = ...) -> None: ...
def are_deterministic_algorithms_enabled() -> builtins.bool: ...
@overload
def where(condition: Tensor, input: None = ..., other: None = ..., *, out: Any = ...) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Tensor, input: Tensor | Number, other: Tensor | Number, *, out: Any = ...) -> Tensor: ...
"""


def array_api():
    """The functions of elements of the array API namespace, which are made by tables."""
    from rusttorch.array_api import _elementwise as tables

    lines = [f"def {name}(x: Tensor, /) -> Tensor: ..." for name in [*tables.UNARY, "sign"]]
    lines += [f"def {name}(x1: Tensor | Number, x2: Tensor | Number, /) -> Tensor: ..." for name in tables.BINARY]
    lines.append("def clip(x: Tensor, /, min: Tensor | Number | None = ..., max: Tensor | Number | None = ...) -> Tensor: ...")
    head = "# Written by stubs.py from the tables beside it.\nfrom .. import Number, Tensor\n\n"
    names = "".join(f'    "{name}",\n' for name in tables.__all__)
    tables_are = "UNARY: dict[str, str]\nBINARY: dict[str, str]\n"
    (PACKAGE / "array_api" / "_elementwise.pyi").write_text(f"{head}__all__ = [\n{names}]\n{tables_are}\n" + "\n".join(lines) + "\n")


def qualified(lines):
    """Lines in whose module the names of types are those of dtypes."""
    out = []
    for line in lines:
        for name in ("bool", "int", "float"):
            for before, after in ((": ", ""), ("| ", ""), ("[", ""), ("-> ", "")):
                line = line.replace(f"{before}{name}{after}", f"{before}builtins.{name}{after}")
        out.append(line)
    return out


def main():
    """Writes all."""
    ops = _C._catalogue()
    top = [line for line in functions("torch", ops) if not line.startswith(("def where(", "def numel("))]
    text = HEAD + CLASSES.strip("\n") + "\n\n\n" + "\n".join(tensor(ops)) + "\n\n" + TOP + "\n".join(qualified(top)) + "\n"
    (PACKAGE / "__init__.pyi").write_text(text)
    for module, file, more in (
        ("torch.linalg", "linalg.pyi", "class LinAlgError(RuntimeError): ...\n\n\n"),
        ("torch.special", "special.pyi", ""),
        ("torch.nn.functional", "nn/functional.pyi", ""),
    ):
        dots = "." if "/" not in file else ".."
        head = HEAD.splitlines()[0] + "\nfrom collections.abc import Sequence\nfrom typing import Any\n\n"
        head += f"from {dots} import Generator, Number, Tensor, _DType\n\n"
        lines = functions(module, ops)
        if file == "nn/functional.pyi":
            lines = [line for line in lines if not line.startswith("def dropout(")]
            same = [op for op in ops if op[0] in ("torch.hardshrink", "torch.prelu", "torch.sigmoid", "torch.tanh")]
            lines += [f"def {op[0].rsplit('.', 1)[1]}({signature(op)}) -> Tensor: ..." for op in same]
            lines.append("def dropout(input: Tensor, p: float = ..., training: bool = ..., inplace: bool = ...) -> Tensor: ...")
        (PACKAGE / file).write_text(head + more + "\n".join(lines) + "\n")
    array_api()


if __name__ == "__main__":
    main()
    print("stubs written")
