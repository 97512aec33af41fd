"""Reductions and scans as a user calls them: dtype arguments, options, ops that the contract does not have."""

import torch

from recorder import Family
from values import ALL, FLOATS, HALVES, INF, INTS, NAN, WIDE, ordinary, rough, tensor

F16, F32, F64 = torch.float16, torch.float32, torch.float64
X = tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 0.0]], F64)
NANS = tensor([[1.0, NAN, 3.0], [INF, -2.0, 0.0], [NAN, NAN, NAN]], F64)


def dtypes(family):
    """The dtype argument: cast first, and the result has it."""
    x = tensor([[1.7, 2.6, -3.9], [0.5, -0.25, 2.0]], F32)
    for op in ("torch.sum", "torch.nansum"):
        for dtype in (F64, F16, torch.int32, torch.bool):
            family.call(op, x, 1, params={"dtype": dtype}, grad=dtype is F64)
            family.call(op, torch.tensor([[100, 100, 100]], dtype=torch.int8), params={"dtype": dtype})
        family.call(op, torch.tensor([100, 100], dtype=torch.uint8), params={"dtype": torch.uint8}, num=[22])
        family.call(op, torch.tensor([True, True]), params={"dtype": torch.bool})
    family.call("torch.sum", tensor([2049.0005, 2049.0, 1.0], F64), params={"dtype": F16})
    for dtype in (F64, F16, torch.int32, torch.bool):
        family.call("torch.prod", x, 1, params={"dtype": dtype, "keepdim": True}, grad=dtype is F64)
        family.call("torch.prod", torch.tensor([100, 3], dtype=torch.int16), params={"dtype": dtype})
    for op in ("torch.mean", "torch.nanmean"):
        for dtype in (F64, F16):
            family.call(op, x, [0, 1], params={"dtype": dtype, "keepdim": True}, grad=dtype is F64)
        family.error(op, x, 1, params={"dtype": torch.int32})
    family.call("torch.mean", torch.tensor([1, 2]), params={"dtype": F32})
    family.error("torch.nanmean", torch.tensor([1, 2]), params={"dtype": F32})
    for op in ("torch.cumsum", "torch.cumprod"):
        for dtype in (F64, F16, torch.int8, torch.int64):
            family.call(op, x, 1, params={"dtype": dtype}, grad=dtype is F64)
            family.call(op, torch.tensor([100, 100, 100], dtype=torch.int16), 0, params={"dtype": dtype})
        family.error(op, x, 0, params={"dtype": torch.bool})
        family.error(op, x, 2)
    for op in ("torch.norm", "torch.linalg.vector_norm"):
        family.call(op, x.half(), 2, 1, params={"dtype": F32}, grad=True)
        for dtype in (F16, torch.int32):
            family.error(op, x, 2, 1, params={"dtype": dtype})


def dims(family):
    """No list of dims, an empty one, one twice, of a number."""
    names = ("sum", "mean", "amax", "all", "any", "var", "std", "nansum", "nanmean", "count_nonzero", "var_mean")
    for name in names:
        op = f"torch.{name}"
        keep = {} if name == "count_nonzero" else {"keepdim": True}
        family.call(op, X, params={"dim": []})
        family.call(op, X, params={"dim": None, **keep})
        family.call(op, X, params={"dim": [0, -1], **keep}, grad=name not in ("all", "any", "count_nonzero"))
        family.call(op, torch.tensor(2.5), params={"dim": -1, **keep})
        family.error(op, X, params={"dim": [0, 0]})
        family.error(op, X, params={"dim": 2})
        family.error(op, torch.tensor(2.5), params={"dim": [0, -1]})
    family.call("torch.logsumexp", X, [0, 1], params={"keepdim": True}, grad=True)
    family.call("torch.logsumexp", torch.tensor([[1, 2], [0, 5]]), 1)
    family.error("torch.prod", X, params={"dim": [0, 1]})
    for name in ("max", "min"):
        family.call(f"torch.{name}", X, X.flip(1), grad=True)
        family.call(f"torch.{name}", X, params={"dim": 0, "keepdim": True}, grad=True)
        family.error(f"torch.{name}", X, params={"dim": [0, 1]})
        family.call(f"torch.arg{name}", X, params={"keepdim": True})


def spread(family):
    """Variances by either form of the correction."""
    for name in ("var", "std", "var_mean", "std_mean"):
        op = f"torch.{name}"
        for dtype in FLOATS:
            family.call(op, ordinary(dtype, [2, 3, 4]), 1, params={"correction": 0}, grad=dtype in WIDE)
        family.call(op, X, params={"unbiased": False})
        family.call(op, X, False)
        family.call(op, X, 1, True, True)
        family.call(op, X, 1, params={"correction": 0.5, "keepdim": True}, grad=True)
        family.call(op, X, params={"correction": None})
        family.call(op, NANS[::2].clone(), 1, grad=True)
        family.call(op, tensor([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]], F64), 1, grad=True, num=[44])
        family.call(op, torch.zeros(0))
        family.call(op, torch.zeros(2, 0), 1)
        family.error(op, X, 1, True, params={"correction": 1})
        family.error(op, torch.tensor([1, 2]), num=[23])
        family.call(op, rough(F64, [2, 4], 5), 1, grad=True, grad2=True)


def norms(family):
    family.call("torch.norm", X, grad=True, grad2=True)
    family.call("torch.norm", X, "fro", [0, 1], True, grad=True)
    family.call("torch.norm", X, None, 1)
    family.call("torch.norm", X, "nuc")
    family.call("torch.norm", X.reshape(2, 1, 3), "nuc", [0, 2], True)
    family.error("torch.norm", X, "nuc", 1)
    family.error("torch.norm", X[0].clone(), "nuc")
    family.error("torch.norm", X, "foo")
    op = "torch.linalg.vector_norm"
    for dtype in FLOATS:
        family.call(op, ordinary(dtype, [2, 3, 4]), grad=dtype in WIDE)
    family.call(op, X, 3, [0, 1], True, grad=True, grad2=True)
    family.call(op, X, INF, 0, grad=True)
    family.call(op, NANS, -1, 1, grad=True)
    family.call(op, torch.zeros(2, 3), params={"dim": 1}, grad=True, num=[44])
    family.call(op, torch.tensor(-2.5), params={"keepdim": True})
    family.error(op, torch.zeros(0), INF)
    family.error(op, torch.tensor([1, 2]))


def without_nan(family):
    for op in ("torch.nansum", "torch.nanmean"):
        for dtype in FLOATS:
            family.call(op, NANS.to(dtype), 1, grad=dtype in WIDE)
        family.call(op, NANS, grad=True)
        family.call(op, NANS[:1].clone(), 1, grad=True, grad2=True)
        family.call(op, torch.zeros(0, 3), 0)
        family.call(op, torch.tensor(NAN))
    for dtype in INTS[:2] + [torch.bool]:
        family.call("torch.nansum", ordinary(dtype, [2, 3]), 0)
        family.error("torch.nanmean", ordinary(dtype, [2, 3]), 0)
    for dtype in ALL:
        family.call("torch.count_nonzero", ordinary(dtype, [3, 4]), 1)
    family.call("torch.count_nonzero", tensor([NAN, 0.0, -0.0, INF], F32))
    family.call("torch.count_nonzero", torch.zeros(0))


def order(family):
    """The middle, the most frequent, quantiles."""
    for name in ("median", "nanmedian"):
        op = f"torch.{name}"
        for x in (X, NANS, torch.zeros(2, 3, dtype=F64), tensor([4.0, 1.0, 3.0, 2.0], F64)):
            family.call(op, x, grad=True, num=[7])
        for dtype in HALVES + INTS:
            family.call(op, ordinary(dtype, [3, 3]))
        for dtype in (F32, torch.int64, torch.uint8):
            family.call(op, torch.zeros(0, dtype=dtype))
        family.call(op, torch.tensor(2.5))
        family.error(op, torch.tensor([True, False]))
    op = "torch.mode"
    for dtype in ALL:
        family.call(op, ordinary(dtype, [2, 9]), 1, True)
    for row in ([3.0, 1.0, 1.0, 3.0, 2.0], [3.0, NAN, NAN, 1.0, 2.0], [NAN, NAN, NAN, 1.0, 1.0], [NAN, NAN], [0.0, -0.0, -0.0, 1.0, 1.0]):
        family.call(op, tensor(row, F64), grad=True)
    family.call(op, X, 0, grad=True)
    family.call(op, torch.tensor(2.5))
    family.call(op, torch.zeros(0, 3))
    family.error(op, torch.zeros(0, 3), 0)
    family.error(op, X, 2)
    for name in ("quantile", "nanquantile"):
        op = f"torch.{name}"
        for interpolation in ("linear", "lower", "higher", "midpoint", "nearest"):
            for dtype in WIDE:
                family.call(op, X.to(dtype), 0.3, 1, params={"interpolation": interpolation}, grad=True)
            family.call(op, NANS, tensor([0.0, 0.25, 0.5, 1.0], F64), 1, True, params={"interpolation": interpolation}, grad=True)
            family.call(op, tensor([1.0, 2.0, 3.0, 4.0], F32), 0.5, params={"interpolation": interpolation})
        family.call(op, rough(F32, [5, 7], 3), tensor([0.1, 0.9], F32), grad=True)
        family.call(op, X, tensor([0.3, 0.5], F64), 0, grad=True, grad2=True)
        family.call(op, X, torch.tensor(0.3, dtype=F64), params={"keepdim": True})
        family.call(op, X, tensor([], F64))
        family.call(op, torch.tensor(2.5), tensor([0.5, 0.2], F32), 0, True)
        family.call(op, tensor([INF, -INF, 1.0, INF], F32), 0.75)
        for q in (1.5, -0.1, NAN, torch.zeros(1, 1, dtype=F64), tensor([0.5, 2.0], F64), tensor([0.5], F32)):
            family.error(op, X, q)
        family.error(op, X, 0.5, 2)
        family.error(op, X, 0.5, params={"interpolation": "foo"})
        family.error(op, X.half(), 0.5)
        family.error(op, torch.tensor([1, 2]), 0.5)
        family.error(op, torch.zeros(0, 3), 0.5, 1)


def extremes(family):
    op = "torch.aminmax"
    for dtype in ALL:
        family.call(op, ordinary(dtype, [2, 3]), params={"dim": 1, "keepdim": True}, grad=dtype in WIDE)
    family.call(op, X, grad=True)
    family.call(op, X, params={"keepdim": True})
    family.call(op, NANS, params={"dim": 0}, num=[1])
    family.call(op, torch.tensor(2.5), params={"dim": -1})
    family.call(op, torch.zeros(2, 0), params={"dim": 0})
    family.error(op, torch.zeros(0))
    family.error(op, torch.zeros(2, 0), params={"dim": 1})
    family.error(op, X, params={"dim": 2})


def record(_tables):
    family = Family("stats")
    dtypes(family)
    dims(family)
    spread(family)
    norms(family)
    without_nan(family)
    order(family)
    extremes(family)
    return family


def differences(family):
    op = "torch.diff"
    for dtype in ALL:
        family.call(op, ordinary(dtype, [2, 4]), grad=dtype in WIDE)
    for n in (0, 2, 3, 5):
        family.call(op, X, n, grad=True)
    family.call(op, X, 1, 0, grad=True, grad2=True)
    family.call(op, X, 2, -1, X[:, :2].clone(), X[:, :1].clone(), grad=True)
    family.call(op, X.float(), params={"prepend": X[:, :1].clone()})
    family.call(op, torch.tensor([[1, 5]]), params={"append": tensor([[0.5]], F32)})
    family.call(op, torch.tensor([True, False, False]), 2)
    family.call(op, torch.tensor([1, 255, 3], dtype=torch.uint8), num=[22])
    family.call(op, torch.zeros(0))
    family.call(op, torch.zeros(0), params={"prepend": torch.ones(2)})
    family.call(op, tensor([1.0, NAN, INF, INF], F32))
    family.error(op, torch.tensor(2.5))
    family.error(op, X, -1)
    family.error(op, X, 1, 2)
    family.error(op, X, params={"prepend": torch.zeros(2)})
    family.error(op, X, params={"append": torch.zeros(3, 1)})


def areas(family):
    places = tensor([1.0, 3.0, 7.0], F64)
    for name in ("trapezoid", "cumulative_trapezoid", "trapz"):
        op = f"torch.{name}"
        for dtype in FLOATS:
            family.call(op, ordinary(dtype, [2, 4]), grad=dtype in WIDE)
            family.call(op, ordinary(dtype, [2, 4]), params={"dx": 0.1})
        for dtype in (torch.int64, torch.uint8):
            family.call(op, ordinary(dtype, [2, 4]), params={"dx": 2.0})
            family.call(op, ordinary(dtype, [2, 4]), ordinary(dtype, [2, 4], 3))
        family.call(op, X, places, grad=True, grad2=True)
        family.call(op, X, X.flip(0), params={"dim": 0}, grad=True)
        family.call(op, X, X[:1].clone(), params={"dim": -1}, grad=True)
        family.call(op, X.reshape(2, 1, 3), X, params={"dim": 2})
        family.call(op, X[:, :1].clone(), grad=True)
        family.call(op, torch.zeros(2, 0))
        family.error(op, X, places[:2].clone())
        family.error(op, X, places, params={"dim": 0})
        family.error(op, X, torch.zeros(2, 2, 3, dtype=F64))
        family.error(op, X, params={"dim": 2})
        family.error(op, torch.tensor(2.5))
        family.error(op, torch.tensor([True, False]))


def record_differences(_tables):
    family = Family("differences")
    differences(family)
    areas(family)
    return family
