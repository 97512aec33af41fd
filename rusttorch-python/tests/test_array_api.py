"""The array API namespace: every function of the standard, with its parameters, and NumPy's results, which has the standard, too."""

import inspect

import array_api_standard as standard
import numpy as np
import pytest

import rusttorch
from rusttorch import array_api as xp

SIGNATURES = {line.split("(")[0]: line for line in standard.FUNCTIONS.split("\n") if line}


def find(namespace, path):
    for name in path.split("."):
        namespace = getattr(namespace, name)
    return namespace


def test_the_namespace_has_the_standard_but_for_what_is_said_to_be_absent():
    names = [*SIGNATURES, *standard.CONSTANTS, *standard.DTYPES, "linalg", "fft"]
    assert len(SIGNATURES) == 157 and set(standard.ABSENT) <= set(names)
    for name in names:
        if name in standard.ABSENT:
            assert not hasattr(xp, name)
            continue
        find(xp, name)
    assert set(dir(xp)) == {n for n in names if "." not in n} - set(standard.ABSENT)
    with pytest.raises(AttributeError, match="does not have it yet"):
        xp.conj


@pytest.mark.parametrize("path", [p for p in SIGNATURES if p not in standard.ABSENT])
def test_parameters(path):
    function = find(xp, path)
    if path == "from_dlpack":  # of PyTorch's, whose parameter has another name, which may be by place alone
        assert [p for p in inspect.signature(function).parameters][1:] == ["device", "copy"]
        return
    signature = inspect.signature(function)
    found = "(" + str(signature).split(" -> ")[0].removeprefix("(")
    plain = signature.replace(
        parameters=[p.replace(annotation=p.empty) for p in signature.parameters.values()], return_annotation=signature.empty
    )
    assert f"{path}{plain}" == SIGNATURES[path], found


def test_the_method(torch):
    x = torch.ones(2)
    assert x.__array_namespace__() is xp and x.__array_namespace__(api_version="2024.12") is xp
    with pytest.raises(ValueError, match="2099.01"):
        x.__array_namespace__(api_version="2099.01")
    assert xp.__array_api_version__ == "2024.12" and torch.array_api is xp
    assert x.to_device("cpu").data_ptr() == x.data_ptr() and x.device == xp.__array_namespace_info__().default_device()


def test_what_numpy_has_no_answer_to(torch):
    x = torch.tensor([[1, 3, 2], [3, 1, 3]], dtype=torch.float64)
    assert xp.sort(x, descending=True).tolist() == [[3, 2, 1], [3, 3, 1]]
    assert xp.argsort(x, descending=True).tolist() == [[1, 2, 0], [0, 2, 1]]
    assert xp.clip(x, max=2).tolist() == [[1, 2, 2], [2, 1, 2]] and xp.clip(x).data_ptr() != x.data_ptr()
    assert xp.sum(torch.tensor([200, 200], dtype=torch.uint8)).item() == 400
    with pytest.raises(ValueError, match="no places"):
        xp.nonzero(torch.tensor(1))
    with pytest.raises(ValueError, match="axis 1 has size 3"):
        xp.squeeze(x, 1)
    with pytest.raises(ValueError, match="have to be copied"):
        xp.reshape(x.T, (6,), copy=False)
    assert xp.reshape(x, (6,), copy=False).data_ptr() == x.data_ptr() != xp.reshape(x, (6,), copy=True).data_ptr()
    with pytest.raises(ValueError, match="an axis is needed"):
        xp.take(x, torch.tensor([0]))
    with pytest.raises(ValueError, match="an axis is needed"):
        xp.cumulative_sum(x)
    with pytest.raises(ValueError, match="counted from the last one"):
        xp.vecdot(x, x, axis=0)
    with pytest.raises(IndexError):
        xp.expand_dims(x, axis=4)
    with pytest.raises(IndexError):
        xp.prod(x, axis=3)
    for reduction in (xp.sum, xp.prod):
        for axis in ((0, 0), (1, -1)):
            with pytest.raises(RuntimeError, match="more than once"):
                reduction(x, axis=axis)
    with pytest.raises(TypeError, match="at least one argument must be an array"):
        xp.add(1, 2)
    w = torch.ones(3, requires_grad=True)
    xp.sum(xp.multiply(w, torch.tensor([1.0, 2.0, 3.0]))).backward()
    assert w.grad.tolist() == [1, 2, 3]


def test_dtypes(torch):
    f32, f64, i8, u8, i16, i64 = xp.float32, xp.float64, xp.int8, xp.uint8, xp.int16, xp.int64
    assert xp.result_type(i8, u8) is i16 and xp.result_type(f32, torch.ones((), dtype=f64)) is f64
    assert xp.result_type(i8, 1000) is i8 and xp.result_type(i8, 1.5) is f32 and xp.result_type(xp.bool, True) is xp.bool
    assert xp.result_type(f32, 1) is f32 and xp.result_type(torch.ones(1), 2.0, f64) is f64
    assert xp.can_cast(i8, i16) and xp.can_cast(torch.ones(2), f64) and not xp.can_cast(f64, f32) and not xp.can_cast(i8, f32)
    assert not xp.can_cast(i8, u8) and xp.can_cast(u8, i16) and xp.can_cast(xp.bool, xp.bool)
    kinds = ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric")
    assert [k for k in kinds if xp.isdtype(u8, k)] == ["unsigned integer", "integral", "numeric"]
    assert [k for k in kinds if xp.isdtype(f32, k)] == ["real floating", "numeric"] and [k for k in kinds if xp.isdtype(xp.bool, k)] == ["bool"]
    assert xp.isdtype(f32, ("bool", f32)) and not xp.isdtype(f32, (f64, "integral"))
    with pytest.raises(ValueError, match="no kind"):
        xp.isdtype(f32, "floating")
    for name in ("float32", "float64"):
        ours, theirs = xp.finfo(getattr(xp, name)), np.finfo(name)
        for field in ("bits", "eps", "max", "min", "smallest_normal"):
            assert getattr(ours, field) == getattr(theirs, field)
        assert ours.dtype is getattr(xp, name) is xp.finfo(torch.ones(1, dtype=ours.dtype)).dtype
    for name in ("int8", "uint8", "int16", "int32", "int64"):
        ours, theirs = xp.iinfo(getattr(xp, name)), np.iinfo(name)
        assert (ours.bits, ours.min, ours.max) == (theirs.bits, theirs.min, theirs.max) and ours.dtype is getattr(xp, name)
    x = torch.ones(2)
    assert xp.astype(x, f32, copy=False) is x and xp.astype(x, f32).data_ptr() != x.data_ptr()


def test_what_the_namespace_says_of_itself():
    info = xp.__array_namespace_info__()
    assert info.devices() == [info.default_device()] and info.capabilities()["boolean indexing"] is True
    assert info.default_dtypes() == {"real floating": xp.float32, "integral": xp.int64, "indexing": xp.int64}
    assert set(info.dtypes()) == {n for n in standard.DTYPES if n not in standard.ABSENT}
    assert info.dtypes(kind="unsigned integer") == {"uint8": xp.uint8} and set(info.dtypes(kind=("bool", "real floating"))) == {"bool", "float32", "float64"}
    with pytest.raises(RuntimeError):
        info.dtypes(device="cuda")


# ---- beside NumPy ---------------------------------------------------------------------------------------------------

RANDOM = np.random.default_rng(0)
INPUTS = {
    "f": RANDOM.standard_normal((2, 3)),
    "g": RANDOM.standard_normal((2, 3)),
    "p": RANDOM.random((2, 3)) + 0.1,
    "h": RANDOM.random((2, 3)) * 1.8 - 0.9,
    "q": RANDOM.random((2, 3)) + 1.0,
    "r": RANDOM.standard_normal(3).astype(np.float32),
    "s": np.array(2.5),
    "n": np.array([1.0, np.nan, -np.inf, np.inf, -0.0]),
    "e": np.zeros((0, 3)),
    "i": np.array([[3, -1, 2], [0, 5, 2]]),
    "j": np.array([[2, 3, -2], [1, 3, 4]]),
    "k": np.array([1, 2, 3], dtype=np.int8),
    "u": np.array([1, 2, 200], dtype=np.uint8),
    "b": np.array([[True, False, True], [False, False, True]]),
    "c": np.array([[True, True, False], [False, True, True]]),
    "m": RANDOM.standard_normal((3, 3)),
    "d": (lambda a: a @ a.T + np.eye(3))(RANDOM.standard_normal((3, 3))),
    "t": RANDOM.standard_normal((2, 3, 3)),
    "v": np.array([1.0, 2.0, 2.0, 5.0]),
    "x": RANDOM.standard_normal((2, 1, 4)),
}
DOMAINS = {"acos": "h", "asin": "h", "atanh": "h", "acosh": "q", "log": "p", "log1p": "p", "log2": "p", "log10": "p", "sqrt": "p"}
UNARY_INT = ["abs", "bitwise_invert", "ceil", "floor", "negative", "positive", "round", "sign", "square", "trunc", "isfinite"]
UNARY_FLOAT = [n for n, s in SIGNATURES.items() if s.endswith("(x, /)") and hasattr(xp, n) and "." not in n
               and n not in ("bitwise_invert", "logical_not", "matrix_transpose", "nonzero") and not n.startswith("unique")]
BINARY_FLOAT = ["add", "atan2", "copysign", "divide", "equal", "floor_divide", "greater", "greater_equal", "hypot", "less", "less_equal",
                "logaddexp", "maximum", "minimum", "multiply", "nextafter", "not_equal", "pow", "remainder", "subtract"]
BINARY_INT = ["add", "bitwise_and", "bitwise_or", "bitwise_xor", "equal", "floor_divide", "greater", "greater_equal", "less",
              "less_equal", "maximum", "minimum", "multiply", "not_equal", "remainder", "subtract"]
BINARY_BOOL = ["bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_or", "logical_xor", "equal", "not_equal"]

CASES = [
    *(f"xp.{n}({DOMAINS.get(n, 'f')})" for n in UNARY_FLOAT),
    *(f"xp.{n}({a})" for n in ("isfinite", "isinf", "isnan", "signbit", "sign", "abs", "exp", "max", "argmax", "sort", "sum") for a in "n"),
    *(f"xp.{n}({a})" for n in UNARY_INT for a in "ik"),
    *(f"xp.{n}(e)" for n in UNARY_FLOAT),
    *(f"xp.{n}({'p' if n == 'pow' else 'f'}, g)" for n in BINARY_FLOAT),
    *(f"xp.{n}(p, 2.0)" for n in BINARY_FLOAT),
    *(f"xp.{n}(3.0, p)" for n in BINARY_FLOAT),
    *(f"xp.{n}(r, p)" for n in BINARY_FLOAT),
    # The standard's promotion sees no difference between dimensions: float64 without any beside float32.
    *(f"xp.{n}(xp.abs(r), s)" for n in BINARY_FLOAT),
    *(f"xp.{n}(i, {a})" for n in BINARY_INT for a in "jk3"),
    *(f"xp.{n}(b, c)" for n in BINARY_BOOL),
    "xp.logical_not(b)", "xp.bitwise_invert(b)", "xp.bitwise_left_shift(k, 2)", "xp.bitwise_right_shift(u, xp.astype(k, xp.uint8))",
    "xp.add(k, u)", "xp.add(u, 3)", "xp.pow(k, 2)", "xp.pow(2, k)", "xp.add(k, xp.asarray(1000, dtype=xp.int32))",
    "xp.clip(f, -0.5, 0.5)", "xp.clip(f, None, 0.1)", "xp.clip(f, g, None)", "xp.clip(f, g, 0.9)", "xp.clip(i, 0, 3)", "xp.clip(f, None, None)", "xp.clip(k, 2, None)",
    # creation
    "xp.arange(5)", "xp.arange(1, 7, 2)", "xp.arange(3, 0, -1)", "xp.arange(3, 0)", "xp.arange(0)", "xp.arange(0.0, 1.0, 0.25, dtype=xp.float64)",
    "xp.asarray([[1, 2], [3, 4]])", "xp.asarray(True)", "xp.asarray([1.5], dtype=xp.float64)", "xp.asarray(i, dtype=xp.float32)",
    "xp.eye(3, dtype=xp.float64)", "xp.eye(2, 4, k=1, dtype=xp.float32)", "xp.eye(3, 2, k=-1, dtype=xp.int64)", "xp.eye(2, k=5, dtype=xp.float64)",
    "xp.full((2, 2), 7)", "xp.full(3, True)", "xp.full((), 1.5, dtype=xp.float64)", "xp.full_like(i, 4)", "xp.full_like(i, 4, dtype=xp.float32)",
    "xp.linspace(0, 1, 5, dtype=xp.float64)", "xp.linspace(0, 1, 5, dtype=xp.float64, endpoint=False)", "xp.linspace(2, 3, 0, dtype=xp.float64)",
    "xp.linspace(2, 3, 1, dtype=xp.float64)", "xp.meshgrid(v, f[0, :])[0]", "xp.meshgrid(v, f[0, :], indexing='ij')[1]",
    "xp.ones((2, 0), dtype=xp.int8)", "xp.ones(3, dtype=xp.float64)", "xp.zeros((), dtype=xp.bool)", "xp.zeros_like(u)", "xp.ones_like(f, dtype=xp.int16)",
    "xp.tril(m)", "xp.triu(m, k=1)", "xp.tril(t, k=-1)", "xp.empty((2, 0), dtype=xp.float64)", "xp.empty_like(e)",
    # dtypes
    "xp.astype(f, xp.int32)", "xp.astype(i, xp.bool)", "xp.astype(b, xp.float32)", "xp.astype(u, xp.int8)",
    # shapes
    "xp.broadcast_to(k, (2, 3))", "xp.broadcast_arrays(k, i)[0]", "xp.concat((f, g))", "xp.concat((f, g), axis=1)", "xp.concat((f, r), axis=None)",
    "xp.concat((k, u))", "xp.expand_dims(f, axis=1)", "xp.expand_dims(f, axis=-1)", "xp.flip(f)", "xp.flip(f, axis=0)", "xp.flip(t, axis=(0, -1))",
    "xp.moveaxis(t, 0, 2)", "xp.moveaxis(t, (0, 1), (-1, 0))", "xp.permute_dims(t, (2, 0, 1))", "xp.repeat(f, 2)", "xp.repeat(f, 2, axis=1)",
    "xp.repeat(f, xp.asarray([1, 2]), axis=0)", "xp.reshape(f, (3, 2))", "xp.reshape(f, (-1,))", "xp.reshape(f, (6,), copy=True)", "xp.reshape(e, (0,))",
    "xp.roll(f, 1)", "xp.roll(f, 2, axis=1)", "xp.roll(f, (1, -1), axis=(0, 1))", "xp.roll(t, 1, axis=(1, 2))", "xp.squeeze(x, 1)", "xp.squeeze(x, axis=(1,))",
    "xp.stack((f, g))", "xp.stack((f, g), axis=-1)", "xp.tile(k, (2,))", "xp.tile(f, (2, 1, 2))", "xp.unstack(f)[1]", "xp.unstack(f, axis=1)[2]",
    "xp.take(f, xp.asarray([2, 0, 2]), axis=1)", "xp.take(r, xp.asarray([1, 1]))", "xp.take_along_axis(f, xp.asarray([[2], [0]]))",
    "xp.take_along_axis(f, xp.asarray([[1, 0, 1]]), axis=0)",
    # statistics
    *(f"xp.{n}({a}{more})" for n in ("sum", "prod", "mean", "var", "std", "max", "min", "all", "any", "count_nonzero")
      for a, more in (("f", ""), ("f", ", axis=0"), ("t", ", axis=(0, 2)"), ("t", ", axis=(-1, 0), keepdims=True"), ("f", ", axis=()"), ("s", ""), ("f", ", keepdims=True"))
      if not (n in ("all", "any", "count_nonzero") and more == ", axis=()")),
    *(f"xp.{n}({a})" for n in ("sum", "prod", "max", "min", "any", "all", "count_nonzero") for a in "ikb" if not (n in ("max", "min", "sum", "prod") and a == "b")),
    "xp.sum(e, axis=0)", "xp.sum(e)", "xp.prod(e, axis=1)", "xp.all(e)", "xp.any(e, axis=0)", "xp.count_nonzero(b, axis=1, keepdims=True)",
    "xp.sum(k, dtype=xp.int8)", "xp.sum(f, dtype=xp.float32)", "xp.prod(i, dtype=xp.float64, axis=1)", "xp.var(f, axis=1, correction=1)", "xp.std(f, correction=0.5)",
    "xp.cumulative_sum(k)", "xp.cumulative_sum(f, axis=1)", "xp.cumulative_sum(f, axis=0, include_initial=True)", "xp.cumulative_sum(k, dtype=xp.float32)",
    "xp.cumulative_prod(i, axis=-1)", "xp.cumulative_prod(f, axis=-1, include_initial=True)",
    "xp.diff(f)", "xp.diff(i, axis=0)", "xp.diff(k, n=2)", "xp.diff(f, prepend=xp.zeros((2, 1), dtype=xp.float64))", "xp.diff(i, axis=0, append=xp.zeros((1, 3), dtype=xp.int64))",
    # searching, sorting, sets
    "xp.argmax(f)", "xp.argmax(f, axis=1)", "xp.argmin(f, axis=0, keepdims=True)", "xp.argmin(f, keepdims=True)", "xp.argmax(i)", "xp.nonzero(i)[0]", "xp.nonzero(b)[1]",
    "xp.searchsorted(v, f)", "xp.searchsorted(v, xp.asarray([2.0, 2.0], dtype=xp.float64), side='right')", "xp.searchsorted(v, r)",
    "xp.searchsorted(xp.flip(v), p, sorter=xp.asarray([3, 2, 1, 0]))", "xp.where(b, f, g)", "xp.where(b, f, 1.0)", "xp.where(b, 0.0, f)", "xp.where(b, s, r)", "xp.where(c, k, u)",
    "xp.sort(f)", "xp.sort(f, axis=0)", "-xp.sort(-i)", "xp.argsort(f)", "xp.argsort(i, axis=1, stable=True)",
    *(f"xp.{n}({a}){field}" for a in "iv" for n, fields in (("unique_all", 4), ("unique_counts", 2), ("unique_inverse", 2)) for field in (f"[{k}]" for k in range(fields))),
    "xp.sort(xp.unique_values(i))", "xp.unique_values(e)", "xp.unique_all(i).indices", "xp.unique_counts(i).counts", "xp.unique_inverse(i).inverse_indices", "xp.sort(xp.unique_values(b))",
    "xp.unique_counts(xp.asarray([1.0, float('nan'), 1.0], dtype=xp.float64)).counts",
    # products
    "xp.matmul(f, m)", "xp.matmul(t, m)", "xp.matmul(i, xp.matrix_transpose(j))", "xp.matrix_transpose(t)", "xp.tensordot(f, m, axes=1)", "xp.tensordot(f, g)",
    "xp.tensordot(f, g, axes=((0,), (0,)))", "xp.vecdot(f, g)", "xp.vecdot(f, r)", "xp.vecdot(i, k)", "xp.vecdot(t, t, axis=-2)", "xp.vecdot(k, k)",
    "xp.linalg.cholesky(d)", "xp.linalg.cholesky(d, upper=True)", "xp.linalg.cross(f, g)", "xp.linalg.cross(r, f)", "xp.linalg.det(m)", "xp.linalg.det(t)",
    "xp.linalg.diagonal(t)", "xp.linalg.diagonal(m, offset=1)", "xp.linalg.eigvalsh(d)", "xp.linalg.eigh(d).eigenvalues", "xp.abs(xp.linalg.eigh(d).eigenvectors)",
    "xp.linalg.inv(m)", "xp.linalg.matrix_norm(t)", "xp.linalg.matrix_norm(t, ord=1, keepdims=True)", "xp.linalg.matrix_norm(m, ord='nuc')", "xp.linalg.matrix_power(m, 3)",
    "xp.linalg.matrix_power(m, -2)", "xp.linalg.matrix_rank(m)", "xp.linalg.matrix_rank(xp.ones((3, 3), dtype=xp.float64))", "xp.linalg.outer(r, r)",
    "xp.linalg.pinv(f)", "xp.abs(xp.linalg.qr(m).R)", "xp.abs(xp.linalg.qr(xp.matrix_transpose(f), mode='complete').Q)", "xp.linalg.slogdet(t).logabsdet", "xp.linalg.slogdet(t).sign",
    "xp.linalg.solve(m, v[:3])", "xp.linalg.solve(t, m)", "xp.linalg.solve(t, f[0, :])", "xp.linalg.solve(t, t[0, :, :2])", "xp.linalg.svdvals(f)", "xp.linalg.svd(f).S",
    "xp.abs(xp.linalg.svd(f, full_matrices=False).Vh)", "xp.linalg.tensordot(f, m, axes=1)", "xp.linalg.matmul(f, m)", "xp.linalg.vecdot(f, g)", "xp.linalg.matrix_transpose(f)",
    "xp.linalg.trace(t)", "xp.linalg.trace(m, offset=1)", "xp.linalg.trace(i, dtype=xp.float64)", "xp.linalg.vector_norm(f)", "xp.linalg.vector_norm(t, axis=(0, 1))",
    "xp.linalg.vector_norm(f, axis=1, keepdims=True, ord=1)", "xp.linalg.vector_norm(f, ord=float('inf'))", "xp.linalg.vector_norm(f, axis=0, ord=3)",
]


@pytest.mark.parametrize("case", list(dict.fromkeys(CASES)))
def test_results_are_those_of_numpy(case):
    with np.errstate(all="ignore"):
        expected = np.asarray(eval(case, {"xp": np, **INPUTS}))
    found = eval(case, {"xp": xp, **{name: rusttorch.from_numpy(np.array(value)) if value.ndim else rusttorch.tensor(value.item(), dtype=rusttorch.float64) for name, value in INPUTS.items()}})
    assert isinstance(found, rusttorch.Tensor)
    found = np.asarray(found)
    assert found.shape == expected.shape and found.dtype == expected.dtype, (found, expected)
    np.testing.assert_allclose(found, expected, rtol=2e-5 if expected.dtype == np.float32 else 1e-12, atol=1e-6 if expected.dtype == np.float32 else 1e-13)
