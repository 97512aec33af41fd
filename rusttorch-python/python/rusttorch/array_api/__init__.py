"""The Python array API standard, version 2024.12, over the package's tensors: ``x.__array_namespace__()``.

| file | subject |
|---|---|
| ``_dtypes`` | dtypes, promotion, what dtypes can hold |
| ``_creation`` | new arrays |
| ``_elementwise`` | functions of elements |
| ``_manipulation`` | shapes, and arrays of arrays; taking elements |
| ``_reductions`` | statistics, searching, sorting, sets, truth |
| ``_products`` | products and norms; ``linalg`` has the extension |
| ``_info`` | ``__array_namespace_info__`` |

There are no complex dtypes and no unsigned integers beyond 8 bits, so sums of ``uint8`` are ``int64``; ``real``, ``conj`` and the extension
``fft`` wait for complex dtypes. A tensor is no array in one respect, as PyTorch's is none: ``x.size`` is a method. Operators promote as
PyTorch's do, where an array without dimensions gives way to others; the functions here promote as the standard says.
"""

from math import e, inf, nan, pi

from .. import bool, device, float32, float64, from_dlpack, int8, int16, int32, int64, uint8
from . import linalg
from ._creation import (
    arange, asarray, empty, empty_like, eye, full, full_like, linspace, meshgrid, ones, ones_like, tril, triu, zeros, zeros_like,
)
from ._dtypes import astype, can_cast, finfo, iinfo, isdtype, result_type
from ._elementwise import *  # noqa: F403
from ._elementwise import __all__ as _of_elements
from ._info import __array_namespace_info__
from ._manipulation import (
    broadcast_arrays, broadcast_to, concat, expand_dims, flip, moveaxis, permute_dims, repeat, reshape, roll, squeeze, stack, take,
    take_along_axis, tile, unstack,
)
from ._products import matmul, matrix_transpose, tensordot, vecdot
from ._reductions import (
    all, any, argmax, argmin, argsort, count_nonzero, cumulative_prod, cumulative_sum, diff, max, mean, min, nonzero, prod,
    searchsorted, sort, std, sum, unique_all, unique_counts, unique_inverse, unique_values, var, where,
)

__array_api_version__ = "2024.12"
newaxis = None

__all__ = [
    "__array_api_version__", "__array_namespace_info__",
    # constants
    "e", "inf", "nan", "newaxis", "pi",
    # dtypes
    "bool", "float32", "float64", "int16", "int32", "int64", "int8", "uint8",
    "astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type",
    # creation
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "meshgrid", "ones",
    "ones_like", "tril", "triu", "zeros", "zeros_like",
    *_of_elements,
    # manipulation and indexing
    "broadcast_arrays", "broadcast_to", "concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat", "reshape", "roll",
    "squeeze", "stack", "take", "take_along_axis", "tile", "unstack",
    # products
    "linalg", "matmul", "matrix_transpose", "tensordot", "vecdot",
    # statistics, searching, sorting, sets, truth
    "all", "any", "argmax", "argmin", "argsort", "count_nonzero", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min",
    "nonzero", "prod", "searchsorted", "sort", "std", "sum", "unique_all", "unique_counts", "unique_inverse", "unique_values", "var",
    "where",
]

_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


def _namespace(api_version):
    """This module, for the versions of the standard that it is good for. Error: ``ValueError`` for others."""
    import sys

    if api_version is not None and api_version not in _VERSIONS:
        raise ValueError(f"__array_namespace__: version {api_version!r} of the array API is not there, but {', '.join(_VERSIONS)}")
    return sys.modules[__name__]


def __getattr__(name):
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: the standard has none, or RustTorch does not have it yet")


def __dir__():
    return sorted(__all__)
