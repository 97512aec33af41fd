"""The tables of binary ops and comparisons: crosses of special values, integers, scalars, gradients."""

import math

import torch

from recorder import LONG, Family, resolve
from values import ALL, FLOATS, INF, INTS, NAN, WIDE, edges, ordinary, rough, tensor

NUMERICS = {
    "maximum": [4, 10, 18], "minimum": [4, 10, 18], "fmax": [4], "fmin": [4], "remainder": [11, 19, 21],
    "fmod": [11, 19, 21], "floor_divide": [19, 21], "div": [11, 20], "pow": [24, 30], "add": [11, 22],
    "sub": [22], "mul": [22], "trunc_divide": [19, 21], "logaddexp": [32],
}
DIVIDING = {"floor_divide", "trunc_divide", "remainder", "fmod"}
TWICE = {"add", "sub", "mul", "div", "pow", "atan2", "maximum", "hypot", "logaddexp", "logaddexp2", "xlogy"}
TENSORS_ONLY = {
    "maximum", "minimum", "fmax", "fmin", "atan2", "hypot", "nextafter", "logaddexp", "logaddexp2", "ldexp",
    "heaviside", "gcd", "lcm",
}
INTEGRAL = ("Integral", "Int")
# For dividing ops: quotients that are whole, nearly whole, huge; for pow: bases and exponents.
EXTRA = {
    "floor_divide": [0.1, 0.3], "remainder": [0.1, 0.3], "fmod": [0.1, 0.3], "pow": [1 / 3, 2.0],
    "div": [3.0, 0.1], "trunc_divide": [0.1, 0.3], "logaddexp": [1.5, -0.6931472], "xlogy": [1.1, 0.9],
}
SCALARS = [2, -3, 0.5, True]


def spelled(row):
    """The PyTorch function of a row, and its parameters where the row is a mode of it."""
    return ("torch.div", {"rounding_mode": "trunc"}) if row["name"] == "trunc_divide" else (row["torch"], {})


def function(row):
    op, params = spelled(row)
    return lambda a, b: resolve(op)(a, b, **params)


def cross(dtype, extra):
    """A column and a row of values; the op sees every pair."""
    if dtype in FLOATS:
        sub, _, tiny, top = edges(dtype)
        values = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -7.0, 3.0, INF, -INF, NAN, sub, -tiny, top, *extra]
    elif dtype is torch.bool:
        values = [False, True]
    else:
        info = torch.iinfo(dtype)
        values = [info.min, info.min + 1, 0, 1, 2, 5, 7, info.max - 1, info.max]
        values += [-1, -2, -7] if info.min < 0 else [128, 3]
    row = tensor(values, dtype)
    return row.reshape(-1, 1).clone(), row


def integer_quotients(family, row, dtype):
    """Division of integers: INT_MIN by -1 stated by hand (it kills PyTorch's process), by 0 an error."""
    column, line = cross(dtype, ())
    line = line[line != 0]
    out = None
    why = None
    if dtype is not torch.uint8:
        low = torch.iinfo(dtype).min
        a, b = torch.broadcast_tensors(column, line)
        traps = (a == low) & (b == -1)
        out = function(row)(torch.where(traps, torch.zeros_like(a), a), b)
        out[traps] = low if "divide" in row["name"] else 0
        why = "numerics 21: the most negative integer by -1 wraps and must not trap; PyTorch's process dies"
    op, params = spelled(row)
    family.call(op, column, line, params=params, out=out, why=why, num=[19, 21])
    family.error(op, tensor([1, 2, 3], dtype), tensor([1, 0, 2], dtype), params=params, num=[20])
    family.error(op, tensor([1, 2, 3], dtype), 0, params=params, num=[20])


def ieee_extreme(op, a, b):
    """maximum and minimum with -0 below +0, which PyTorch leaves to the vector length."""
    out = op(a, b)
    a, b = torch.broadcast_tensors(a, b)
    zeros = (a == 0) & (b == 0)
    negative = torch.signbit(a) & torch.signbit(b) if op is torch.maximum else torch.signbit(a) | torch.signbit(b)
    out = torch.where(zeros, torch.zeros_like(out), out)
    return torch.where(zeros & negative, -torch.zeros_like(out), out)


def exact_rest(name, a, b):
    """fmod and remainder of floats, exact; where PyTorch has a number it must be the same."""
    a, b = torch.broadcast_tensors(a, b)
    out = []
    for x, y in zip(a.double().flatten().tolist(), b.double().flatten().tolist()):
        if x != x or y != y or abs(x) == INF or y == 0:
            out.append(NAN)
            continue
        rest = math.fmod(x, y)
        if name == "remainder" and rest != 0 and (rest < 0) != (y < 0):
            # Rounded in the dtype, as the sum of PyTorch is.
            rest = (torch.tensor(rest, dtype=a.dtype) + torch.tensor(y, dtype=a.dtype)).item()
        out.append(rest)
    out = torch.tensor(out, dtype=torch.float64).to(a.dtype).reshape(a.shape)
    torch_out = getattr(torch, name)(a, b)
    known = ~torch_out.isnan()
    assert torch.equal(out[known], torch_out[known]), name
    return out


def elementwise(family, row):
    name, (op, params) = row["name"], spelled(row)
    for dtype in ALL:
        short = next(s for s, d in LONG.items() if d is dtype)
        if short not in row["accepts"]:
            operands = ordinary(dtype, [3]), ordinary(dtype, [3], 1)
            family.error(op, *operands, params=params, num=[25] if dtype is torch.bool else None)
            continue
        if name in DIVIDING and dtype in INTS:
            integer_quotients(family, row, dtype)
            continue
        a, b = cross(dtype, EXTRA.get(name, ()))
        if name in ("maximum", "minimum") and dtype in FLOATS:
            why = "numerics 10: -0 lies below +0 at every length; PyTorch varies with the length"
            family.call(op, a, b, out=ieee_extreme(getattr(torch, name), a, b), why=why, num=NUMERICS[name])
        elif name in ("fmod", "remainder") and dtype in WIDE:
            why = "fmod and remainder are exact; PyTorch's vector library gives NaN for large quotients"
            family.call(op, a, b, out=exact_rest(name, a, b), why=why, num=NUMERICS[name])
        elif name == "zeta":
            out = torch.special.zeta(a, b)
            lost = out.isnan() & (a > 1) & a.isfinite() & (b > 0) & b.isfinite()
            out[lost] = 0.0
            family.call(op, a, b, out=out, why="the sum underflows to 0, by which PyTorch divides")
        elif name == "lcm" and dtype in (torch.int32, torch.int64):
            family.call(op, a[1:], b[1:])  # the most negative number may kill PyTorch's process
        else:
            family.call(op, a, b, params=params, num=NUMERICS.get(name))
        if dtype in FLOATS:
            family.call(op, rough(dtype, [11], 1), rough(dtype, [11], 2), params=params)
    gradients(family, row)
    shapes(family, row)
    scalars(family, row)


def gradients(family, row):
    name, (op, params) = row["name"], spelled(row)
    if row["rule"] in INTEGRAL:
        return
    a = [1.5, -2.0, 3.0, 0.5, -0.25, 2.0, 2.0, -7.0, 0.0, 0.0, 4.0, 0.0, -3.0, 2.5, 1.0, -1.0]
    b = [0.5, 3.0, -1.25, 2.0, -0.5, 2.0, -2.0, 2.0, 2.0, 0.0, 0.0, -1.0, 3.0, 2.5, 7.0, 0.3]
    # PyTorch has the gradient of zeta's second operand.
    rest = {"params": params, "grad": True, "constants": (0,) if name == "zeta" else ()}
    for dtype in WIDE:
        family.call(op, tensor(a, dtype), tensor(b, dtype), num=[18] if "imum" in name else None, **rest)
        # Broadcasting: a gradient is summed back to the operand's shape.
        family.call(op, ordinary(dtype, [2, 1, 3]).abs() + 0.5, ordinary(dtype, [4, 1], 3).abs() + 0.25, **rest)
        family.call(op, ordinary(dtype, [2, 3]).abs() + 0.5, tensor(1.75, dtype), **rest)
    if name in TWICE:
        x = tensor([1.5, 2.25, 0.5, 3.0], torch.float64)
        y = tensor([0.5, 1.5, 2.0, -1.25], torch.float64)
        family.call(op, x, y, grad=True, grad2=True)


def shapes(family, row):
    op, params = spelled(row)
    dtype = torch.int32 if row["rule"] in INTEGRAL else torch.float32
    pairs = [((), ()), ((), (3,)), ((3,), (1,)), ((2, 3), (3,)), ((2, 1, 3), (4, 1)), ((0, 3), (1, 3)),
             ((2, 0), (1,)), ((2, 1, 3, 2), (3, 1)), ((1, 2, 1, 3, 1, 2, 1), (2, 1, 1, 1, 2)), ((0,), ())]
    for a, b in pairs:
        # Plus 20, so that no divisor is 0.
        num = [40] if a == (0, 3) else None
        family.call(op, ordinary(dtype, a), ordinary(dtype, b, 1) + 20, params=params, num=num)
    family.error(op, ordinary(dtype, [3]), ordinary(dtype, [4]) + 20, params=params, num=[40])
    family.error(op, ordinary(dtype, [0]), ordinary(dtype, [3]) + 20, params=params, num=[40])


def scalars(family, row):
    """Python numbers on the right, in every category: they take part in promotion by category alone."""
    name, (op, params) = row["name"], spelled(row)
    if name in TENSORS_ONLY:
        return
    for scalar in SCALARS:
        for dtype in (torch.uint8, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64):
            unfit = scalar == -3 and dtype is torch.uint8
            if (row["rule"] in INTEGRAL and (scalar == 0.5 or dtype.is_floating_point)) or unfit:
                continue
            if name == "pow" and scalar == -3 and not dtype.is_floating_point:
                family.error(op, ordinary(dtype, [5]), scalar, num=[24])
                continue
            x = ordinary(dtype, [5]).abs() + 1 if name == "pow" else ordinary(dtype, [5])
            rest = {"constants": (0,)} if name == "zeta" else {}
            family.either(op, x, scalar, params=params, grad=dtype in WIDE and name != "zeta", **rest)


def by_hand(family):
    """The remaining lines of numerics.md, 11 and 19 to 25 and 30."""
    f = torch.float32
    family.call("torch.floor_divide", torch.tensor([-7, 7]), torch.tensor([2, -2]), num=[19])
    family.call("torch.div", torch.tensor([-7, 7]), torch.tensor([2, -2]), params={"rounding_mode": "trunc"}, num=[19])
    family.call("torch.remainder", tensor([5, 5, 1], f), tensor([-INF, INF, 0.0], f), num=[19])
    family.call("torch.fmod", tensor([5, 5, 1], f), tensor([-INF, INF, 0.0], f), num=[19])
    family.call("torch.floor_divide", tensor([1.0, INF, -1.0], f), tensor([0.1, 2.0, INF], f), num=[19])
    family.call("torch.div", torch.tensor([1, 0, -1]), torch.tensor([0, 0, 0]), num=[20])
    family.call("torch.add", torch.tensor([2**31 - 1], dtype=torch.int32), 1, num=[22])
    family.call("torch.add", torch.tensor([False, True, True]), torch.tensor([False, False, True]), num=[25])
    family.call("torch.sub", torch.tensor([1], dtype=torch.uint8), 2, num=[22])
    family.call("torch.add", torch.tensor([1], dtype=torch.int8), 300, num=[22])
    family.call("torch.pow", torch.tensor([1, -1, 2, 0]), torch.tensor([-1, -1, -1, -1]), num=[24])
    family.error("torch.pow", torch.tensor([1, 2]), -1, num=[24])
    family.call("torch.pow", tensor([0, NAN, 1, -8, -0.0, -INF, -INF], f),
                tensor([0, 0, NAN, 1 / 3, -1, 3, 0.5], f), num=[30])
    for scalar in (0.0, 0.5, 1.0, 2.0, 3.0, -1.0, -2.0, -0.5):
        for dtype in WIDE:
            family.call("torch.pow", tensor([0.0, -0.0, 1.5, -2.0, 4.0, INF, -INF, NAN, 0.25], dtype), scalar,
                        grad=True, num=[30])
    for alpha in (2, -3):
        for dtype in (torch.int32, torch.float32):
            family.call("torch.add", ordinary(dtype, [5]), ordinary(dtype, [5], 2), params={"alpha": alpha})
            family.call("torch.sub", ordinary(dtype, [5]), ordinary(dtype, [5], 2), params={"alpha": alpha})
    for dtype in FLOATS:
        # Whole exponents do not overflow on the way; nor do they underflow.
        x = tensor([1e-38, 3.0, -0.5, 0.0, -0.0, INF, -INF, NAN, 1e38, 6e-8, 1.5, 1.0], dtype)
        family.call("torch.ldexp", x, torch.tensor([128, 3, -2, 200, -200, -200, 5, 1, -200, 20, -149, 15]))
    family.call("torch.ldexp", tensor([1e-300, 1.5, 1e300], torch.float64), torch.tensor([2000, -1074, -1900]))
    family.call("torch.ldexp", torch.tensor([3, -1, 0]), torch.tensor([2, 10, 3], dtype=torch.int8))
    family.call("torch.ldexp", torch.tensor([True, False]), torch.tensor([True, True]))
    family.call("torch.ldexp", tensor([3.0, -0.5], f), torch.tensor([[2], [-1]]), grad=True)
    family.error("torch.ldexp", tensor([3.0], f), torch.tensor([True]))
    for dtype in WIDE:
        s = tensor([1.5, 2.0, 2.0, 3.0, 3.0, 7.0, 30.0, 1.0001, 12.0, 2.0, 3.0], dtype)
        q = tensor([0.3, 1.0, 10.5, 0.5, 40.0, 2.5, 1.5, 3.0, 1e-3, -0.5, -1.25], dtype)
        family.call("torch.special.zeta", s, q, grad=True, constants=(0,))
    family.error("torch.heaviside", tensor([1.0], f), tensor([1.0], torch.float64))
    family.call("torch.gcd", torch.tensor([12, -18, 0, 7], dtype=torch.int16), torch.tensor(42))
    for op in ("torch.bitwise_left_shift", "torch.bitwise_right_shift"):
        family.call(op, torch.tensor([1, -1, 127], dtype=torch.int8), 257)  # wraps to 1
        family.call(op, torch.tensor([-5, 5, 100]), torch.tensor([[63], [64], [-1]]))
    # One element, too, keeps NaN.
    for op in ("maximum", "minimum", "fmax", "fmin"):
        family.call(f"torch.{op}", tensor([NAN], f), tensor([1.0], f), num=[4])
        family.call(f"torch.{op}", tensor([1.0], f), tensor([NAN], f), num=[4])


def record(tables):
    family = Family("binary")
    for row in tables["binary"]:
        elementwise(family, row)
    by_hand(family)
    return family


def record_compare(tables):
    family = Family("compare")
    for row in tables["compare"]:
        for dtype in ALL:
            a, b = cross(dtype, ())
            family.call(row["torch"], a, b)
        shapes(family, row)
        if not row["name"].startswith("logical"):
            for scalar in SCALARS:
                for dtype in (torch.int32, torch.float32, torch.float64):
                    family.call(row["torch"], ordinary(dtype, [7]), scalar)
    return family
