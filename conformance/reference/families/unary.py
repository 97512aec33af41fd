"""The table of unary ops: every op in every dtype its rule accepts, and refusals of the others."""

import math

import mpmath  # comes with PyTorch
import torch

from recorder import LONG, Family, grad_output
from values import ALL, FLOATS, SHAPES, WIDE, around, floats, ints, ordinary, specials, tensor

# Neighbours of branch points and of the ends of the range, per op. numerics.md items beside them.
EXTRA = {
    "exp": [88.72, 88.73, 88.8, -87.4, -103.9, -104.0, -103.2, 709.78, 709.79, -745.1, -745.2, 11.0, 11.1, -17.4],
    "exp2": [127.9, 128.0, -126.0, -149.0, -150.0, 1023.9, 1024.0, -1074.0, -1075.5, 15.99, 16.0],
    "expm1": [88.72, 88.8, 709.78, 709.79, -17.0, -37.0, 1e-20, -1e-20, 0.34, -0.34],
    "log": [0.9, 1.1, 0.70710678, 1.41421356], "log2": [0.9, 1.1, 4.0, 8.0, 0.125, 1024.0],
    "log10": [0.9, 1.1, 10.0, 1e5, 0.001],
    "log1p": [-0.9999, -0.5, 1e-20, -1e-20, 0.4142, -0.2929, -1.0000001],
    "sin": [1.5707963, 3.1415927, 6.2831855, 0.7853982, 1e5, 12345.678, 22.0, 355.0],
    "cos": [1.5707963, 3.1415927, 6.2831855, 0.7853982, 1e5, 12345.678, 11.0, 33.0],
    "tan": [1.5707963, 3.1415927, 0.7853982, 2.3561945, 1e5, 11.0, 12345.678],
    "asin": [0.999, -0.999, 0.5000001], "acos": [0.999, -0.999, 0.5000001], "atan": [0.4375, 2.4375, 1e8],
    "sinh": [88.8, 89.4, 89.5, 9.0, 710.4, 710.5, 1e-20], "cosh": [88.8, 89.4, 89.5, 9.0, 710.4, 710.5],
    "tanh": [9.0, 9.02, 0.625, 0.6249, 4e-4, 19.06, -19.07, 0.55, 22.0],
    "asinh": [1e10, -1e10, 1e-20, 2.0000001], "acosh": [1.0001, 1.5, 2.0000001, 1e10, 0.99],
    "atanh": [0.9999, -0.9999, 1e-20, 0.5000001],
    "erf": [0.8437, 0.8438, 2.857, 3.83, 3.92, 4.0, 6.0, 1e-20, 0.46875],
    "erfc": [0.8437, 1.25, 4.0, -4.0, 9.19, 9.4, 10.0, 10.1, 26.5, 27.2, 6.0, -6.0, 0.46875],
    "erfinv": [0.2, -0.9, 0.99, -0.999999, 0.3, 0.97, 1e-20],
    "lgamma": [1.5, 2.5, 0.3, -0.3, -2.4, -3.6, 10.3, 171.7, 1e15, 1e-20],
    "digamma": [1.4616, 1.4617, 1.5, 0.3, -0.3, -2.4, 9.9, 10.1, 1e15, 1e-20],
    "sinc": [0.25, 1.5, -2.5, 1e-4, 100.25, 1e-20],
    "sigmoid": [16.0, 17.5, -88.0, -88.8, -103.0, 36.0, 37.0, -709.0, -745.0, 88.0],
    "round": [1.5, 2.5, 3.5, -1.5, -2.5, 0.4, -0.4, 0.49999997, 0.49999999999999994, 8388607.5, 8388609.0,
              4503599627370495.5, 2147483648.5, 0.35, 9.223372036854776e18],
    "trunc": [0.9999, -0.9999, 8388607.5, 4503599627370495.5, 1e19, -1e19],
    "frac": [0.9999, -0.9999, 8388607.5, 4503599627370495.5, 1e19, -1e19],
    "ceil": [0.9999, -0.9999, 8388607.5, 4503599627370495.5, 1e19, -0.2],
    "floor": [0.9999, -0.9999, 8388607.5, 4503599627370495.5, 1e19, -0.2],
    "sqrt": [4.0, 1e-38, 16777216.0, 0.3], "rsqrt": [4.0, 1e-38, 16777216.0, 0.3],
    "square": [1e19, 1.9e19, 1e-23, 256.0, 255.9, 1e-160],
    "reciprocal": [3e38, 2.9e-39, 1e-38, 1e-45, 6e-8, 7.0],
}
NUMERICS = {
    "relu": [5, 9, 44], "sign": [6, 11], "round": [11, 29], "sqrt": [11, 31, 44], "rsqrt": [11], "tanh": [11],
    "exp": [31], "log": [31], "sigmoid": [32], "abs": [22, 44], "neg": [22], "reciprocal": [11],
}
TWICE = {
    "exp", "log", "sqrt", "rsqrt", "tanh", "sigmoid", "sin", "cos", "square", "reciprocal", "erf", "atan",
    "log1p", "expm1", "relu", "abs", "neg", "sinh", "cosh", "acosh", "asinh", "tan", "exp2", "erfinv", "sinc",
}
# Where gradients are asked for, of functions whose slope multiplies an error of the function.
GRADED = {
    "erfinv": [0.5, -0.3, 0.1, -0.8, 0.0, 0.85, 1e-3], "sinc": [0.5, -0.75, 1.25, 2.0, 3.0, -4.5, 0.0],
    "lgamma": [0.5, 1.5, 2.75, 6.0, 10.5, 100.25, -0.5, -1.25, -3.75], "digamma": [0.5, 1.5, 2.75, 6.0, 10.5, 100.25, -0.5],
}


def by_hand(name, x):
    """Where PyTorch is not followed."""
    if name == "sqrt":
        def root(v):
            return math.sqrt(v) if v >= 0 else math.nan
        out = torch.tensor([root(v) for v in x.double().flatten().tolist()], dtype=torch.float64)
        out = out.to(x.dtype if x.dtype in FLOATS else torch.float32).reshape(x.shape)
        return {"out": out, "why": "IEEE 754 rounds a square root correctly; PyTorch's vector library is 1 ulp off at times"}
    if name == "sinc" and x.dtype not in FLOATS:
        out = torch.sinc(x.float().double()).float()
        return {"out": out, "why": "at a whole number nothing but the rounding of pi is left, which is that of a double here"}
    if name == "digamma" and x.dtype is torch.float64:
        out = torch.digamma(x)
        finite = out.isfinite()
        with mpmath.workdps(40):
            out[finite] = torch.tensor([float(mpmath.digamma(v)) for v in x[finite].tolist()], dtype=x.dtype)
        return {"out": out, "why": "PyTorch's series loses digits about the zero and the poles on the left"}
    if name == "log1p" and x.dtype in WIDE:
        out = torch.where(x.abs() < torch.finfo(x.dtype).tiny, x, torch.log1p(x))
        return {"out": out, "why": "numerics 31: subnormals are kept; PyTorch's vector library flushes them here"}
    return {}


def trigamma(x):
    """PyTorch's own has nine digits."""
    return lambda grads: [grad_output(x) * torch.special.zeta(2.0, x)]


def graded(family, op, name):
    for dtype in WIDE:
        x = tensor(GRADED[name], dtype)
        family.call(op, x, grad=True, second=trigamma(x) if name == "digamma" else None, **by_hand(name, x))


def record(tables):
    family = Family("unary")
    for row in tables["unary"]:
        name, op = row["name"], row["torch"]
        for dtype in ALL:
            accepted = row["accepts"]
            short = next(s for s, d in LONG.items() if d is dtype)
            if short not in accepted:
                family.error(op, ordinary(dtype, [4]), num=[25] if name == "neg" else None)
                continue
            values = floats(dtype, EXTRA.get(name, ())) if dtype in FLOATS else ints(dtype)
            if name == "signbit" and dtype in FLOATS:
                values = values[~values.isnan()]  # whose sign depends on the CPU
            differentiable = dtype in WIDE and row["rule"] in ("Any", "Number", "Counted", "Float", "ToFloat")
            differentiable = differentiable and name not in GRADED
            family.call(op, values, grad=differentiable, num=NUMERICS.get(name), **by_hand(name, values))
        for shape in SHAPES:
            x = ordinary(torch.int32 if row["rule"] == "Integral" else torch.float32, shape)
            family.call(op, x, **by_hand(name, x))
        if name in GRADED:
            graded(family, op, name)
        if name in TWICE:
            x = [0.5, -0.75, 1.25, 2.0, 0.3, -2.5, 0.0, 3.0]
            if name in ("sqrt", "rsqrt", "log", "acosh", "reciprocal", "log1p"):
                x = [abs(v) + 1.1 for v in x]
            if name == "erfinv":
                x = [v / 4 for v in x]
            family.call(op, tensor(x, torch.float64), grad=True, grad2=True)
    # Whole neighbourhoods of kinks, on all floats: relu and abs about 0, sign about 0.
    for op in ("torch.relu", "torch.abs", "torch.sign"):
        for dtype in WIDE:
            family.call(op, tensor(specials(dtype) + around(1e-30, dtype), dtype), grad=True, num=[44])
    return family
