"""The tables of binary ops and comparisons: crosses of special values, integers, scalars, gradients."""

import math

import torch

from recorder import LONG, Family
from values import ALL, FLOATS, INF, INTS, NAN, WIDE, edges, ordinary, rough, tensor

NUMERICS = {
    "maximum": [4, 10, 18], "minimum": [4, 10, 18], "fmax": [4], "fmin": [4], "remainder": [11, 19, 21],
    "fmod": [11, 19, 21], "floor_divide": [19, 21], "div": [11, 20], "pow": [24, 30], "add": [11, 22],
    "sub": [22], "mul": [22],
}
DIVIDING = {"floor_divide", "remainder", "fmod"}
TWICE = {"add", "sub", "mul", "div", "pow", "atan2", "maximum"}
# For dividing ops: quotients that are whole, nearly whole, huge; for pow: bases and exponents.
EXTRA = {
    "floor_divide": [0.1, 0.3], "remainder": [0.1, 0.3], "fmod": [0.1, 0.3], "pow": [1 / 3, 2.0],
    "div": [3.0, 0.1],
}
SCALARS = [2, -3, 0.5, True]


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
        out = getattr(torch, row["name"])(torch.where(traps, torch.zeros_like(a), a), b)
        out[traps] = low if row["name"] == "floor_divide" else 0
        why = "numerics 21: the most negative integer by -1 wraps and must not trap; PyTorch's process dies"
    family.call(row["torch"], column, line, out=out, why=why, num=[19, 21])
    family.error(row["torch"], tensor([1, 2, 3], dtype), tensor([1, 0, 2], dtype), num=[20])
    family.error(row["torch"], tensor([1, 2, 3], dtype), 0, num=[20])


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
    name, op = row["name"], row["torch"]
    for dtype in ALL:
        short = next(s for s, d in LONG.items() if d is dtype)
        if short not in row["accepts"]:
            family.error(op, ordinary(dtype, [3]), ordinary(dtype, [3], 1), num=[25] if dtype is torch.bool else None)
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
        else:
            family.call(op, a, b, num=NUMERICS.get(name))
        if dtype in FLOATS:
            family.call(op, rough(dtype, [11], 1), rough(dtype, [11], 2))
    gradients(family, row)
    shapes(family, row)
    scalars(family, row)


def gradients(family, row):
    name, op = row["name"], row["torch"]
    if row["rule"] not in ("Any", "Number", "ToFloat"):
        return
    a = [1.5, -2.0, 3.0, 0.5, -0.25, 2.0, 2.0, -7.0, 0.0, 0.0, 4.0, 0.0, -3.0, 2.5, 1.0, -1.0]
    b = [0.5, 3.0, -1.25, 2.0, -0.5, 2.0, -2.0, 2.0, 2.0, 0.0, 0.0, -1.0, 3.0, 2.5, 7.0, 0.3]
    for dtype in WIDE:
        family.call(op, tensor(a, dtype), tensor(b, dtype), grad=True, num=[18] if "imum" in name else None)
        # Broadcasting: a gradient is summed back to the operand's shape.
        family.call(op, ordinary(dtype, [2, 1, 3]).abs() + 0.5, ordinary(dtype, [4, 1], 3).abs() + 0.25, grad=True)
        family.call(op, ordinary(dtype, [2, 3]).abs() + 0.5, tensor(1.75, dtype), grad=True)
    if name in TWICE:
        x = tensor([1.5, 2.25, 0.5, 3.0], torch.float64)
        y = tensor([0.5, 1.5, 2.0, -1.25], torch.float64)
        family.call(op, x, y, grad=True, grad2=True)


def shapes(family, row):
    dtype = torch.int32 if row["rule"] == "Integral" else torch.float32
    pairs = [((), ()), ((), (3,)), ((3,), (1,)), ((2, 3), (3,)), ((2, 1, 3), (4, 1)), ((0, 3), (1, 3)),
             ((2, 0), (1,)), ((2, 1, 3, 2), (3, 1)), ((1, 2, 1, 3, 1, 2, 1), (2, 1, 1, 1, 2)), ((0,), ())]
    for a, b in pairs:
        # Plus 20, so that no divisor is 0.
        family.call(row["torch"], ordinary(dtype, a), ordinary(dtype, b, 1) + 20, num=[40] if a == (0, 3) else None)
    family.error(row["torch"], ordinary(dtype, [3]), ordinary(dtype, [4]) + 20, num=[40])
    family.error(row["torch"], ordinary(dtype, [0]), ordinary(dtype, [3]) + 20, num=[40])


def scalars(family, row):
    """Python numbers on the right, in every category: they take part in promotion by category alone."""
    for scalar in SCALARS:
        for dtype in (torch.uint8, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64):
            unfit = scalar == -3 and dtype is torch.uint8
            if (row["rule"] == "Integral" and (scalar == 0.5 or dtype.is_floating_point)) or unfit:
                continue
            if row["name"] == "pow" and scalar == -3 and not dtype.is_floating_point:
                family.error(row["torch"], ordinary(dtype, [5]), scalar, num=[24])
                continue
            if row["name"] in ("maximum", "minimum", "fmax", "fmin", "atan2"):
                continue  # tensors only
            x = ordinary(dtype, [5]).abs() + 1 if row["name"] == "pow" else ordinary(dtype, [5])
            family.either(row["torch"], x, scalar, grad=dtype in WIDE)


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
