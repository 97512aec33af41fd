"""Reductions, arg-reductions and scans."""

import math
from fractions import Fraction

import torch

from recorder import Formula, Family
from values import ALL, FLOATS, HALVES, INF, INTS, NAN, WIDE, edges, ints, ordinary, rough, tensor

F32, F64 = torch.float32, torch.float64
# PyTorch's keyword for the dims, and the dtypes that it takes.
OPS = {
    "sum": ALL, "mean": FLOATS, "prod": ALL, "amax": ALL, "amin": ALL, "all": ALL, "any": ALL, "var": FLOATS,
    "std": FLOATS, "logsumexp": FLOATS,
}
ONE_DIM = {"prod"}
TWICE = {"sum", "mean", "prod", "var", "std", "logsumexp"}
ROWS = [[1.0, NAN, 3.0], [INF, 1.0, 2.0], [-INF, 1.0, 2.0], [INF, -INF, 1.0], [-INF, -INF, -INF], [INF, INF, 1.0],
        [0.0, -0.0, -0.0], [NAN, NAN, 1.0], [1000.0, 1000.0, 999.0], [2.0, 2.0, 2.0], [0.0, 0.0, 5.0]]


def dims_of(name, rank):
    """Sets of dims worth asking for a rank."""
    if name in ONE_DIM:
        return [0, -1] if rank else [0]
    return {0: [[0]], 1: [0, [-1]], 2: [0, 1, [0, 1]], 3: [1, [0, 2], [0, 1, 2], [-1, 0]], 4: [[1, 3], 2, [0, 3]],
            7: [[0, 3, 5], [1, 6], 3]}[rank]


def plain(family, name, dtypes):
    op = f"torch.{name}"
    for dtype in ALL:
        x = ordinary(dtype, [2, 3, 4])
        if dtype not in dtypes:
            if not (name == "logsumexp"):  # PyTorch turns integers into floats there
                family.error(op, x, 0, num=[23] if name == "mean" else None)
            continue
        for dim in dims_of(name, 3):
            family.call(op, x, dim, params={"keepdim": dim == 1})
        if dtype in FLOATS:
            family.call(op, tensor(ROWS, dtype), 1, num=[1, 13, 32], **variance(name, tensor(ROWS, dtype)))
            # (Variances are exact, see `variance`.) Full mantissas and cancellation: here the bound is conditioned by sum |x|.
            family.call(op, rough(dtype, [3, 67], 11), 1, grad=dtype in WIDE)
            sub, _, _, top = edges(dtype)
            ends = tensor([[top, top, -top], [sub, sub, sub], [1.0, top, 1.0]], dtype)
            family.call(op, ends, 1, **variance(name, ends))
        else:
            family.call(op, ints(dtype), 0, num=[22, 23])
        if name not in ("logsumexp",):
            if name not in ("amax", "amin"):
                family.call(op, x)
    for shape in [(), (1,), (3, 4), (2, 1, 3, 2), (1, 2, 1, 3, 1, 2, 1)]:
        for dim in dims_of(name, len(shape)):
            family.call(op, rough(F32, shape, 12), dim, params={"keepdim": len(shape) == 4}, grad=name in OPS)
    if name in TWICE:
        x = tensor([[1.5, -2.0, 0.5], [3.0, 0.25, -1.0]], F64)
        for dim in [1, 0]:
            family.call(op, x, dim, grad=True, grad2=True)


def variance(name, rows):
    """The variance of rows of three, rounded from the exact fraction; a sum of squares beyond the range is inf."""
    if name not in ("var", "std"):
        return {}
    out = []
    for row in rows.double().tolist():
        if not all(map(math.isfinite, row)):
            out.append(NAN)
            continue
        exact = [Fraction(v) for v in row]
        mean = sum(exact) / 3
        value = sum((v - mean) ** 2 for v in exact) / 2
        # Where the variance leaves the range of the dtype, so does a deviation computed from it; that of a half
        # type is computed in a wider one.
        limit = torch.finfo(rows.dtype if rows.dtype in WIDE else torch.float32).max
        if value >= Fraction(limit):
            out.append(INF)
        else:
            out.append(math.sqrt(value) if name == "std" else float(value))
    out = torch.tensor(out, dtype=torch.float64).to(rows.dtype)
    return {"out": out, "why": "the exact variance or its root, rounded; PyTorch's running update loses digits and, in f64, its sign"}


def empty(family):
    """13 and 14: what an empty sequence gives."""
    for name in ("sum", "prod", "mean", "all", "any"):
        family.call(f"torch.{name}", torch.zeros(0), num=[13])
    for name in ("var", "std"):
        family.call(f"torch.{name}", torch.zeros(0), num=[13])
    family.call("torch.logsumexp", torch.zeros(0), 0, num=[13])
    for name in ("sum", "mean", "all", "any", "var", "std", "logsumexp", "prod"):
        family.call(f"torch.{name}", torch.zeros(0, 3), 0, num=[13])
        family.call(f"torch.{name}", torch.zeros(0, 3), 1)
        family.call(f"torch.{name}", torch.zeros(2, 0), 1, params={"keepdim": True})
    for name in ("sum", "prod"):
        family.call(f"torch.{name}", torch.zeros(0, dtype=torch.int32), num=[13])
    for name in ("max", "min"):
        family.error(f"torch.{name}", torch.zeros(0), num=[14])
        family.call(f"torch.{name}", torch.zeros(0, 3), 1, num=[14])
        family.error(f"torch.{name}", torch.zeros(0, 3), 0, num=[14])
        family.error(f"torch.arg{name}", torch.zeros(0), num=[14])
        family.error(f"torch.a{name}", torch.zeros(0, 3), 0, num=[14])
        family.call(f"torch.a{name}", torch.zeros(0, 3), 1, num=[14])
        family.call(f"torch.arg{name}", torch.zeros(0, 3), 1, num=[14])


def typed(family):
    """23: the accumulator of narrow integers, and the dtype argument."""
    for dtype in (torch.int8, torch.uint8, torch.bool, torch.int32):
        x = torch.ones(300, dtype=dtype) if dtype is torch.bool else torch.tensor([127, 100, 5], dtype=dtype)
        family.call("torch.sum", x, num=[23])
        family.call("torch.prod", x, num=[23])
        family.error("torch.mean", x, num=[23])
        family.call("torch.mean", x, params={"dtype": F32}, num=[23])
    family.call("torch.sum", torch.tensor([100, 100], dtype=torch.int8), params={"dtype": torch.int8}, num=[22])
    family.call("torch.sum", ordinary(torch.int32, [3, 4]), 1, params={"dtype": F64})
    family.call("torch.sum", ordinary(F32, [3, 4]), [0, 1], params={"dtype": F64, "keepdim": True}, grad=True)
    family.call("torch.prod", ordinary(F32, [3, 2]), 1, params={"dtype": F64})
    family.call("torch.sum", torch.tensor([2**63 - 1, 1]), num=[22])
    family.call("torch.prod", torch.tensor([2**62, 4, 3]), num=[22])
    family.call("torch.any", torch.tensor([0, 2], dtype=torch.uint8), num=[39])
    family.call("torch.all", torch.tensor([1, 2], dtype=torch.uint8), num=[39])
    family.call("torch.all", tensor([NAN, 1.0], F32))
    family.call("torch.any", tensor([NAN, 0.0], F32))
    family.call("torch.any", tensor([0.0, -0.0], F32))


def spread(family):
    """16: variance, where a difference of squares would fail."""
    for name in ("var", "std"):
        for dtype in WIDE:
            family.call(f"torch.{name}", tensor([5.0], dtype), num=[16])
            family.call(f"torch.{name}", tensor([5.0], dtype), params={"correction": 0}, num=[16])
            family.call(f"torch.{name}", tensor([1.0, 2.0, 4.0], dtype), params={"correction": 3}, num=[16])
            family.call(f"torch.{name}", tensor([2.0, 2.0, 2.0], dtype), params={"correction": 3}, num=[16])
            family.call(f"torch.{name}", tensor([1.0, 2.0, 4.0], dtype), params={"correction": 5}, num=[16])
            family.call(f"torch.{name}", tensor([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]], dtype), 1,
                        params={"correction": 0}, grad=True, num=[44])
        family.call(f"torch.{name}", Formula(F32, [1000], constant=1e4), num=[16])
        family.call(f"torch.{name}", tensor([1e4, 1e4 + 1, 1e4 + 2], F32), num=[16])
        family.call(f"torch.{name}", tensor([1e8, 1e8 + 1, 1e8 + 2], F64), num=[16])
    family.error("torch.var", torch.tensor([1, 2]), num=[23])


def long(family):
    """36 and 37: accumulation that a plain loop in the dtype gets wrong. Too long to store, so given by formula."""
    for dtype in HALVES:
        family.call("torch.sum", Formula(dtype, [4096], constant=1.0), num=[37])
        family.call("torch.mean", Formula(dtype, [70000], constant=1.0), num=[37])
        family.call("torch.sum", Formula(dtype, [70000], constant=1.0), num=[37])
        family.call("torch.softmax", Formula(dtype, [4, 999], constant=0.5), 1, num=[37])
    million = Formula(F32, [1_000_000], constant=0.1)
    # The exact sum, rounded: 0.1f is 0.100000001490116...
    exact = torch.tensor(0.1, dtype=F32).double() * 1_000_000
    family.call("torch.sum", million, out=exact.to(F32), num=[36],
                why="numerics 36: the exact sum; the bound is c * eps * sum |x|, which a plain f32 loop breaks")
    family.call("torch.mean", million, out=(exact / 1_000_000).to(F32), num=[36], why="numerics 36: the exact mean")
    family.call("torch.sum", Formula(F32, [3, 5000], 7919, 13, 1009, 504, 8), 1, num=[36])
    family.call("torch.var", Formula(F32, [3, 5000], 7919, 13, 1009, 504, 8), 1)
    family.call("torch.amax", Formula(F32, [3, 5000], 7919, 13, 1009, 504, 8), 1)


def extremes(family):
    """max and min: along a dim with indices, of all, at ties and NaN."""
    for name in ("max", "min"):
        for dtype in ALL:
            family.call(f"torch.{name}", ordinary(dtype, [2, 3, 4]), 1, params={"keepdim": dtype in INTS})
            family.call(f"torch.{name}", ordinary(dtype, [2, 3, 4]), grad=dtype in WIDE, num=[18])
        for dtype in WIDE:
            ties = tensor([[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0], [0.0, 1.0, NAN, NAN]], dtype)
            for dim in (0, 1, -1):
                family.call(f"torch.{name}", ties, dim, grad=True, num=[1, 17, 18])
            family.call(f"torch.{name}", ties[:2].clone(), grad=True, num=[18])
            family.call(f"torch.a{name}", ties[:2].clone(), 1, grad=True, num=[18])
            family.call(f"torch.a{name}", ties[:2].clone(), [0, 1], grad=True, num=[18])
        family.call(f"torch.{name}", tensor([1.0, NAN, 3.0], F32), 0, num=[1])
        family.call(f"torch.{name}", tensor(2.5, F32), 0)


def norms(family):
    """torch.norm by number: every order with a formula of its own, at zeros, NaN and infinities."""
    orders = [2, 1, 0, INF, -INF, 3, 0.5, 1.5, -1]
    for dtype in ALL:
        x = ordinary(dtype, [2, 3, 4])
        if dtype not in FLOATS:
            family.error("torch.norm", x, 2, params={"dim": 0}, num=[23])
            continue
        for p in orders:
            family.call("torch.norm", x, p, params={"dim": [0, 2]})
            family.call("torch.norm", tensor(ROWS, dtype), p, params={"dim": 1}, num=[1, 13])
        family.call("torch.norm", rough(dtype, [3, 67], 16), 2, params={"dim": 1}, grad=dtype in WIDE)
        sub, _, _, top = edges(dtype)
        family.call("torch.norm", tensor([[top, top, -top], [sub, sub, sub], [1.0, top, 1.0]], dtype), 2, params={"dim": 1})
    for p in orders:
        slopes = tensor([[0.0, 0.0, 0.0], [2.0, -2.0, 0.0], [1.5, -3.0, 0.25], [1.0, NAN, 3.0]], F64)
        family.call("torch.norm", slopes, p, params={"dim": 1}, grad=True, num=[44])
        if p:
            family.call("torch.norm", tensor([[1.5, -2.0, 0.5], [3.0, 0.25, -1.0]], F64), p, params={"dim": 1}, grad=True,
                        grad2=True)
        family.either("torch.norm", torch.zeros(0, 3), p, params={"dim": 0}, num=[13])
        family.either("torch.norm", torch.zeros(0), p)
        family.call("torch.norm", torch.zeros(0, 3), p, params={"dim": 1})
        family.call("torch.norm", torch.tensor(-2.5), p)
    family.call("torch.norm", ordinary(F32, [2, 3, 4]), 2, params={"dim": [0, -1], "keepdim": True}, grad=True)
    family.call("torch.norm", Formula(torch.float16, [4096], constant=1.0), 2, num=[37])
    family.error("torch.norm", torch.zeros(2, 3), 2, params={"dim": 2})
    family.error("torch.norm", torch.zeros(2, 3), 2, params={"dim": [0, 0]})


def record(_tables):
    family = Family("reduce")
    for name, dtypes in OPS.items():
        plain(family, name, dtypes)
    empty(family)
    typed(family)
    spread(family)
    long(family)
    extremes(family)
    norms(family)
    for rows in ([[2.0, 3.0, 0.0]], [[0.0, 0.0, 2.0]], [[2.0, 3.0, 4.0]]):
        # 44: products with one zero and with two.
        family.call("torch.prod", tensor(rows, F64), 1, grad=True, grad2=True, num=[44])
        family.call("torch.prod", tensor(rows, F32), grad=True, num=[44])
    family.call("torch.logsumexp", tensor([[-INF, -INF], [INF, -INF], [1000.0, 1000.0], [0.0, -INF]], F32), 1,
                grad=True, num=[32])
    for name in ("sum", "amax", "all"):
        family.error(f"torch.{name}", torch.zeros(2, 3), 2)
        family.error(f"torch.{name}", torch.zeros(2, 3), [0, 0])
    return family


def record_arg(_tables):
    family = Family("arg_reduce")
    for op in ("torch.argmax", "torch.argmin"):
        for dtype in ALL:
            x = ordinary(dtype, [2, 3, 4])
            if dtype is torch.bool:
                family.error(op, x, 1, num=[25])
                continue
            for dim in (0, 1, -1):
                family.call(op, x, dim, params={"keepdim": dim == 1})
            family.call(op, x)
            if dtype in FLOATS:
                family.call(op, tensor([1.0, NAN, 3.0, NAN], dtype), 0, num=[2])
                family.call(op, tensor([[0.0, -0.0, 0.0], [INF, 1.0, INF], [-INF, -INF, 1.0], [2.0, 2.0, 2.0]], dtype), 1, num=[17])
            else:
                family.call(op, ints(dtype), 0)
        # 17: of equals the first, at every length.
        for n in (16, 17, 2001, 100003):
            family.call(op, Formula(F32, [n], constant=1.5), 0, num=[17])
        family.call(op, Formula(torch.int64, [2001], constant=3), 0, num=[17])
        family.call(op, Formula(F32, [40, 90, 1], constant=0.5), 2, num=[17])
        family.call(op, Formula(F32, [40, 90], constant=0.5), 0, num=[17])
        family.call(op, Formula(F32, [3, 5000], 7919, 13, 1009, 504, 8), 1, num=[17])
        for shape, dim in [((), 0), ((1,), 0), ((2, 1, 3, 2), 2), ((1, 2, 1, 3, 1, 2, 1), 3)]:
            family.call(op, rough(F32, shape, 13), dim)
        family.error(op, torch.zeros(2, 3), 2)
    return family


def record_scan(_tables):
    family = Family("scan")
    for op in ("torch.cumsum", "torch.cumprod", "torch.cummax", "torch.cummin"):
        for dtype in ALL:
            for dim in (0, -1):
                family.call(op, ordinary(dtype, [3, 4]), dim)
            if dtype in FLOATS:
                family.call(op, tensor(ROWS, dtype), 1, num=[3])
                family.call(op, tensor([1.0, NAN, 5.0], dtype), 0, num=[3])
                family.call(op, rough(dtype, [2, 37], 14), 1)
            else:
                family.call(op, ints(dtype), 0, num=[22, 23])
        for shape, dim in [((), 0), ((1,), 0), ((0,), 0), ((2, 0), 1), ((0, 3), 0), ((2, 1, 3, 2), 2),
                           ((1, 2, 1, 3, 1, 2, 1), 3)]:
            family.call(op, rough(F32, shape, 15), dim)
        family.call(op, tensor([1.0, 3.0, 3.0, 2.0, 0.0, 0.0], F32), 0)
        family.call(op, tensor([[1.5, -2.0, 0.5], [3.0, 0.25, -1.0]], F64), 1, grad=True,
                    grad2=op in ("torch.cumsum", "torch.cumprod"))
        family.call(op, rough(F32, [2, 37], 17), 1, grad=True)
        family.call(op, tensor(2.5, F32), 0, grad=True)
        # (Of a product with NaN PyTorch divides the gradient by it.)
        family.call(op, tensor([[1.0, 3.0, 3.0], [NAN, 1.0, 2.0]], F32), 0, grad=op != "torch.cumprod")
    for rows in ([2.0, 0.0, 3.0, 0.5], [0.0, 0.0, 2.0, 1.0], [2.0, 3.0, 4.0, 0.0]):
        # Beside a zero nothing may be divided by it.
        family.call("torch.cumprod", tensor(rows, F64), 0, grad=True, grad2=True, num=[44])
        family.call("torch.cumprod", tensor(rows, F32), 0, grad=True, num=[44])
    family.call("torch.cumsum", torch.tensor([127, 128], dtype=torch.uint8), 0, num=[23])
    logs(family)
    return family


def logs(family):
    """32: running log-sum-exps, which must neither overflow nor lose small terms before large ones."""
    op = "torch.logcumsumexp"
    for dtype in ALL:
        x = ordinary(dtype, [3, 4])
        if dtype not in FLOATS:
            family.error(op, x, 0)
            continue
        for dim in (0, -1):
            family.call(op, x, dim, grad=dtype in WIDE)
        family.call(op, tensor([[1000.0, 1000.0, 999.0], [-1000.0, 0.0, 1000.0], [-INF, -INF, 1.0], [INF, 1.0, 2.0],
                                [-INF, NAN, 3.0], [-INF, 2.0, INF], [1.0, INF, -INF]], dtype), 1, num=[32])
        family.call(op, rough(dtype, [2, 37], 18), 1, grad=dtype in WIDE)
    for shape, dim in [((), 0), ((1,), 0), ((0,), 0), ((2, 0), 1), ((0, 3), 0), ((2, 1, 3, 2), 2)]:
        family.call(op, rough(F32, shape, 19), dim, grad=True)
    family.call(op, tensor([[-INF, -INF, 1.0], [-INF, NAN, 3.0], [-INF, 2.0, INF], [5.0, -40.0, 2.0]], F64), 1, grad=True)
    family.call(op, tensor([[1.5, -2.0, 0.5], [3.0, 0.25, -1.0]], F64), 1, grad=True, grad2=True)
