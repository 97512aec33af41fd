"""Elementwise ops that only a frontend has: with parameters, composed, numbers on the left, second names."""

import math

import mpmath  # comes with PyTorch
import torch

from recorder import Family, grad_output
from values import ALL, FLOATS, HALVES, INF, INTS, NAN, WIDE, ordinary, rough, tensor

F32 = torch.float32
UNARY_NAMES = {
    "absolute": "abs", "negative": "neg", "sgn": "sign", "fix": "trunc", "arccos": "acos", "arccosh": "acosh",
    "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan", "arctanh": "atanh", "special.erf": "erf",
    "special.erfc": "erfc", "special.erfinv": "erfinv", "special.exp2": "exp2", "special.expit": "sigmoid",
    "special.expm1": "expm1", "special.gammaln": "lgamma", "special.log1p": "log1p", "special.psi": "digamma",
    "special.digamma": "digamma", "special.sinc": "sinc",
}
BINARY_NAMES = (
    "multiply", "true_divide", "arctan2", "greater", "greater_equal", "less", "less_equal", "not_equal", "subtract",
    "divide", "special.xlogy",
)


def names(family):
    """Second names: enough to tell them from each other."""
    for name in UNARY_NAMES:
        x = [0.25, 0.5, 0.75] if name != "arccosh" else [1.5, 2.0, 3.0]
        family.call(f"torch.{name}", tensor(x, F32), grad="digamma" not in name and "psi" not in name)
    for name in BINARY_NAMES:
        family.call(f"torch.{name}", tensor([1.5, 2.0, 3.0], F32), tensor([2.5, 2.0, 0.5], F32),
                    grad="_" not in name and name not in ("greater", "less"))


def rounding(family):
    values = [0.25, 0.35, 12345.678, 1.005, -0.04, -0.0, NAN, INF, -INF, 3.0, 6e4, 0.5, 1e30]
    for dtype in FLOATS:
        for decimals in (0, 1, 2, -1, 7, -30, 40):
            family.call("torch.round", tensor(values, dtype), params={"decimals": decimals}, num=[29])
    family.call("torch.round", tensor(values, torch.float64), params={"decimals": 400})
    for dtype in WIDE:
        family.call("torch.round", tensor([0.25, -1.37], dtype), params={"decimals": 1}, grad=True)
    for decimals in (0, -1, 2):
        family.error("torch.round", torch.tensor([15, 25]), params={"decimals": decimals}, num=[25])
    family.call("torch.special.round", tensor(values, F32), params={"decimals": 1})


def positive(family):
    for dtype in ALL:
        family.either("torch.positive", ordinary(dtype, [4]), grad=dtype in WIDE)


def angles(family):
    for op in ("torch.deg2rad", "torch.rad2deg"):
        for dtype in ALL:
            family.call(op, rough(dtype, [9], 1) if dtype in FLOATS else ordinary(dtype, [5]))
        for dtype in WIDE:
            family.call(op, tensor([0.0, -0.0, 180.0, -90.0, 1e-3, INF, NAN, 1e-40], dtype), grad=True)
        family.call(op, tensor(45.0, F32))
        family.call(op, torch.ones(0, 3))


def logit(family):
    x = [-1.0, 0.0, -0.0, 1e-7, 0.1, 0.3, 0.5, 0.9, 0.999, 1.0, 1.5, NAN, INF]
    for op in ("torch.logit", "torch.special.logit"):
        for dtype in FLOATS:
            family.call(op, tensor(x, dtype), grad=dtype in WIDE)
            if op == "torch.logit":
                for eps in (0.0, 1e-6, 0.125, 0.5, 0.625, 1.0, -0.1):
                    family.call(op, tensor(x, dtype), eps, grad=dtype in WIDE)
    family.call("torch.logit", torch.tensor([0, 1, 2]))
    family.call("torch.logit", torch.tensor([0, 1, 2]), params={"eps": 0.1})
    family.call("torch.logit", torch.tensor([True, False]), 0.25)
    for eps in (None, 0.2):
        family.call("torch.logit", tensor([0.1, 0.2, 0.4, 0.9], torch.float64), eps, grad=True, grad2=True)


def nan_to_num(family):
    for dtype in FLOATS:
        x = tensor([NAN, INF, -INF, 1.0, -0.0, 0.5], dtype)
        for params in ({}, {"nan": 5.0}, {"nan": NAN, "posinf": 2.5}, {"posinf": 2.0, "neginf": -7.0},
                       {"nan": None, "neginf": NAN}, {"nan": 1e300, "posinf": INF}):
            family.call("torch.nan_to_num", x, params=params, grad=dtype in WIDE)
    for dtype in [torch.bool] + INTS:
        family.call("torch.nan_to_num", ordinary(dtype, [4]), params={"nan": 2.0})


def exact_polygamma(n, x):
    """PyTorch's answer at the edges, and everywhere else the right one: its own series are thousands of units off."""
    out = torch.polygamma(n, x) if n != 1 else torch.special.zeta(2.0, x.double()).to(x.dtype)
    if n == 1:
        out[x == INF] = 0.0
    with mpmath.workdps(60):
        for i, v in enumerate(x.tolist()):
            if math.isfinite(v) and not (v <= 0 and v == math.floor(v)):
                # Of the largest orders PyTorch takes the factorial to be infinite.
                exact = float(mpmath.psi(n, v)) if n < 100 else out[i].item()
                out[i] = torch.tensor(exact, dtype=torch.float64).to(x.dtype)
    return out


def polygamma(family):
    x = [0.0, -0.0, -1.0, -0.5, -1.5, 0.3, 1.0, 2.5, 10.0, 100.5, INF, NAN, 1e-3]
    plain = [0.3, 1.0, 2.5, 10.0]
    why = "PyTorch's series have nine digits and less, and a finite number at the poles of trigamma on the left"

    def call(op, n, values, **rest):
        args = (values, n) if "Tensor" in op else (n, values)
        family.call(op, *args, out=exact_polygamma(n, values), why=why, **rest)

    for dtype in FLOATS:
        for n in (0, 1, 2, 3, 10):
            call("torch.polygamma", n, tensor(x, dtype))
    for dtype in WIDE:
        values = tensor(plain, dtype)
        for n in (0, 2, 3):
            # The gradient is the next of them.
            second = lambda grads: [grad_output(values) * exact_polygamma(n + 1, values)]
            call("torch.Tensor.polygamma", n, values, grad=True, second=second)
        call("torch.special.polygamma", 2, values)
    family.call("torch.polygamma", 3, tensor(plain, torch.float64), out=exact_polygamma(3, tensor(plain, torch.float64)),
                why=why, grad=True, grad2=True)
    call("torch.polygamma", 200, tensor([1.0, 2.0, 0.5], torch.float64))
    family.call("torch.polygamma", 2, torch.tensor([1, 2]))
    family.call("torch.polygamma", 2, torch.tensor([True]))
    family.error("torch.polygamma", -1, tensor([1.0], F32))


def alpha(family):
    for dtype in FLOATS:
        # Whole vectors: behind the last one PyTorch rounds the product of halves.
        a, b = rough(dtype, [32], 1), rough(dtype, [32], 2)
        for op in ("torch.add", "torch.sub", "torch.rsub"):
            for value in (0.1, 2.5, -3, 0):
                family.call(op, a, b, params={"alpha": value}, grad=dtype in WIDE)
            family.call(op, a, 0.3, params={"alpha": 0.1})
    for dtype in INTS:
        low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
        a, b = tensor([low, high, 1, 0], dtype), tensor([1, high, 2, 3], dtype)
        for op in ("torch.add", "torch.sub", "torch.rsub"):
            for value in (3, -3, 100):
                family.call(op, a, b, params={"alpha": value})
            for value in (300, 2**40 + 1, 2.5, True):
                family.either(op, a, b, params={"alpha": value})
    t, f = torch.tensor([True, False]), torch.tensor([[True], [False]])
    for value in (True, False, 2, 0, 2.5):
        family.either("torch.add", t, f, params={"alpha": value})
        family.either("torch.add", t, 3, params={"alpha": value})
        family.either("torch.add", t, tensor([1.5, 2.5], F32), params={"alpha": value})
        family.either("torch.sub", t, tensor([1.5, 2.5], F32), params={"alpha": value})
    family.call("torch.add", 3, tensor([1.5], F32), params={"alpha": 2})
    family.call("torch.sub", 3, tensor([1.5], F32), params={"alpha": 2}, grad=True)
    family.call("torch.add", torch.tensor([1, 2]), tensor([1.5, 2.5], F32), params={"alpha": 0.5}, grad=True)
    family.error("torch.add", torch.ones(3), torch.ones(4), params={"alpha": 2})
    x, y = rough(torch.float64, [2, 3], 1), rough(torch.float64, [3], 2)
    family.call("torch.sub", x, y, params={"alpha": 0.5}, grad=True, grad2=True)


def quotients(family):
    """Rounding modes beyond the rows of the table: their gradient is zero."""
    a, b = [7.0, -7.0, 1.0, 0.0, INF, NAN, 5.5], [2.0, 2.0, 0.1, 0.0, 2.0, 1.0, -1.5]
    for mode in ("floor", "trunc"):
        for dtype in FLOATS:
            family.call("torch.div", tensor(a, dtype), tensor(b, dtype), params={"rounding_mode": mode},
                        grad=dtype in WIDE)
            family.call("torch.div", tensor(a, dtype), 0.3, params={"rounding_mode": mode})
        family.call("torch.div", torch.tensor([True, False]), 2, params={"rounding_mode": mode})
        family.error("torch.div", torch.tensor([True]), torch.tensor([True]), params={"rounding_mode": mode})
        family.call("torch.div", 7, torch.tensor([2, -2]), params={"rounding_mode": mode})
        family.error("torch.div", torch.tensor([1]), torch.tensor([0]), params={"rounding_mode": mode}, num=[20])
    family.error("torch.div", tensor([1.0], F32), tensor([1.0], F32), params={"rounding_mode": "ceil"})


LEFT = (
    "torch.mul", "torch.div", "torch.floor_divide", "torch.remainder", "torch.pow", "torch.float_power", "torch.xlogy",
    "torch.special.zeta", "torch.bitwise_and", "torch.bitwise_or", "torch.bitwise_xor", "torch.bitwise_left_shift",
    "torch.bitwise_right_shift", "torch.add", "torch.sub",
)


def left(family):
    """A number on the left takes part in promotion by its category, and is rounded to the dtype."""
    for op in LEFT:
        for dtype in (torch.bool, torch.uint8, torch.int8, torch.int64, torch.float16, torch.bfloat16, F32, torch.float64):
            x = tensor([True, False, True], dtype) if dtype is torch.bool else tensor([1, 2, 7], dtype)
            if op in ("torch.floor_divide", "torch.remainder") and dtype is torch.bool:
                x = x[:1]
            for number in (300, 0.3, True) if dtype in (torch.bool, F32) else (300, 0.3):
                smooth = dtype in WIDE and op not in ("torch.remainder", "torch.special.zeta")
                family.either(op, number, x, grad=smooth)
    for op in ("torch.fmod", "torch.copysign", "torch.hypot", "torch.gcd", "torch.eq", "torch.logical_and"):
        family.error(op, 2, tensor([1.0], F32))


def float_power(family):
    for dtype in ALL:
        x = tensor([True, False], dtype) if dtype is torch.bool else tensor([4, 2, 0], dtype)
        family.call("torch.float_power", x, 0.5, grad=dtype in WIDE)
        family.call("torch.float_power", x, 3)
        family.call("torch.float_power", x, x, grad=dtype in WIDE)
    family.call("torch.float_power", tensor([4.0, -0.0, -INF, NAN, -8.0], F32), 0.5, grad=True)
    family.call("torch.float_power", torch.tensor([2, 3]), -1)
    x = tensor([1.5, 2.0, 0.5], torch.float64)
    family.call("torch.float_power", x, tensor([2.0, -1.5, 3.0], torch.float64), grad=True, grad2=True)


def powers(family):
    """Bools and integers to the power of a number."""
    for dtype in [torch.bool] + INTS:
        x = tensor([False, True], dtype) if dtype is torch.bool else tensor([0, 1, 2, 3], dtype)
        for exponent in (True, False, 0, 1, 2, 3, 100, 200, 256, -1, -2, 2.0, 0.5, -1.0):
            family.either("torch.pow", x, exponent)
    t = torch.tensor([True, False])
    family.error("torch.pow", t, t)
    family.error("torch.pow", t, torch.tensor(True))
    family.error("torch.pow", True, t)
    family.call("torch.pow", t, torch.tensor([1, 2]))
    family.call("torch.pow", torch.tensor([2, 3], dtype=torch.int8), torch.tensor(200))  # wraps to -56


def close(family):
    a, b = [1.0, INF, -INF, NAN, INF, 1.0, 0.0, 100.0], [1.000001, INF, INF, NAN, 1.0, INF, 1e-9, 101.0]
    for dtype in FLOATS:
        x, y = tensor(a, dtype), tensor(b, dtype)
        for params in ({}, {"equal_nan": True}, {"rtol": 0.02}, {"rtol": 0.0, "atol": 0.0}, {"rtol": INF}, {"atol": 2.0}):
            family.call("torch.isclose", x, y, params=params, num=[7])
            family.call("torch.allclose", x, y, params=params)
        family.call("torch.allclose", x, x, params={"equal_nan": True})
        family.call("torch.equal", x[:3], x[:3], num=[7])
        family.call("torch.equal", x, x, num=[7])
    for dtype in [torch.bool] + INTS:
        x, y = ordinary(dtype, [5]), ordinary(dtype, [5], 3)
        for params in ({}, {"atol": 1.5, "rtol": 0.0}, {"rtol": 0.5}, {"rtol": 0.0, "atol": 0.0}):
            family.call("torch.isclose", x, y, params=params)
        family.call("torch.allclose", x, x)
        family.call("torch.equal", x, x.clone())
        family.call("torch.equal", x, y)
        if dtype in INTS:
            ends = tensor([torch.iinfo(dtype).min, torch.iinfo(dtype).max], dtype)
            family.call("torch.isclose", ends, ends.flip(0), params={"rtol": 0.0, "atol": 1.0})
    one = tensor([1.0], F32)
    for name in ("rtol", "atol"):
        for value in (-1.0, NAN):
            family.error("torch.isclose", one, one, params={name: value})
            family.error("torch.allclose", one, one, params={name: value})
    for op in ("torch.isclose", "torch.allclose"):
        family.error(op, one, one.double())
        family.error(op, torch.ones(2), torch.ones(3))
        family.call(op, torch.ones(2, 1), torch.ones(3))
        family.call(op, torch.ones(0), torch.ones(0))
    family.call("torch.equal", torch.ones(2, 1), torch.ones(2))
    family.call("torch.equal", torch.ones(0, 2), torch.ones(0, 3))
    family.call("torch.equal", torch.tensor([1, 2]), tensor([1.0, 2.0], F32))
    family.call("torch.equal", torch.tensor([2**24 + 1]), tensor([2.0**24], F32))
    family.call("torch.equal", tensor([0.0], F32), tensor([-0.0], F32))


def masked_fill(family):
    mask = torch.tensor([True, False, True])
    for dtype in ALL:
        x = ordinary(dtype, [3])
        for value in (2, 2.5, True, -1, 300, NAN, INF, 1e39, torch.tensor(3), torch.tensor(2.5), torch.tensor(True),
                      torch.tensor(1e6)):
            family.either("torch.masked_fill", x, mask, value)
    for dtype in WIDE:
        family.call("torch.masked_fill", ordinary(dtype, [2, 3]), mask, 1.5, grad=True)
        family.call("torch.masked_fill", ordinary(dtype, [3]), torch.tensor([[True], [False]]), tensor(1.5, dtype),
                    grad=True)
    family.call("torch.masked_fill", ordinary(torch.float64, [3]), mask, tensor(2.0, torch.float64), grad=True, grad2=True)
    family.call("torch.masked_fill", torch.ones(0, 3), mask, 2.0)
    family.call("torch.masked_fill", tensor(1.0, F32), torch.tensor(True), 2)
    family.error("torch.masked_fill", torch.ones(3), mask, torch.tensor([3]))
    family.error("torch.masked_fill", torch.ones(3), torch.tensor([1, 0, 1]), 2)
    family.error("torch.masked_fill", torch.ones(3), torch.tensor([True, False]), 2)


def bounds(family):
    """One bound, none, and bounds of another dtype."""
    for dtype in INTS + FLOATS:
        x = tensor([0, 1, 2, 3], dtype)
        for low, high in ((1, None), (None, 2), (1, 2), (1.5, 2.5), (300, None), (None, 300), (True, True), (NAN, 2)):
            family.either("torch.clamp", x, low, high)
        for op in ("torch.clamp_min", "torch.clamp_max"):
            family.either(op, x, 2, grad=dtype in WIDE)
            family.either(op, x, 300)
            family.call(op, x, tensor([1, 2, 3, 1], dtype), grad=dtype in WIDE)
            family.call(op, x, torch.tensor(1.5))
    x = tensor([0.0, 1.0, 2.0, NAN], F32)
    family.call("torch.clip", x, 0.5, 1.5, grad=True)
    family.call("torch.clip", x, params={"max": torch.tensor([1.0])}, grad=True)
    family.call("torch.clamp", torch.tensor([1.0]), torch.tensor([1.0, 2.0]))
    for op in ("torch.clamp", "torch.clip"):
        family.error(op, x)
        family.error(op, x, None, None)
        family.error(op, torch.tensor([True]), True, True)
    family.call("torch.clamp", torch.tensor([True, False]), 1, 2)
    for dtype, bound in ((F32, 1e39), (torch.float16, 1e6), (torch.float16, 70000)):
        family.error("torch.clamp", tensor([1.0], dtype), bound)
    family.error("torch.clamp_min", torch.tensor([True]), True)
    family.error("torch.clamp", torch.ones(2), torch.ones(3))


def choices(family):
    """`where` with numbers, which must fit, and with the mask of bytes that PyTorch still takes."""
    c = torch.tensor([True, False])
    for a, b in ((1, 2), (1.5, 2), (True, 2), (True, False), (1.5, 2.5), (1, tensor([1.5, 2.0], F32)),
                 (tensor([1, 2], torch.int8), 300), (tensor([1, 2], torch.uint8), -1), (torch.tensor(1), tensor([1.5, 2], F32)),
                 (1.5, tensor([1, 2], torch.int8)), (tensor([1.0], torch.float16), 2.5), (tensor([1.0], torch.float16), 1e6),
                 (torch.tensor([True, False]), 1), (tensor([1.0], F32), 1e39), (tensor([1.0], torch.bfloat16), 1e39)):
        family.either("torch.where", c, a, b)
    family.call("torch.where", torch.tensor([1, 0], dtype=torch.uint8), 1, 2)
    family.call("torch.where", torch.tensor(True), 1, 2)
    family.call("torch.where", c, 2.5, tensor([1.0, 2.0], F32), grad=True)
    for dtype in (torch.int64, F32):
        family.error("torch.where", torch.tensor([1, 0], dtype=dtype), 1, 2)


def fused(family):
    """Factors that are integers, fractions or out of range; dtypes that are mixed."""
    for dtype in INTS + FLOATS:
        x = tensor([3, 1], dtype)
        for value in (2.5, True, 300, -1, 2**40 + 1):
            family.either("torch.addcmul", x, x, x, params={"value": value})
    i, f, h = torch.tensor([1, 2]), tensor([1.5, 2.0], F32), tensor([0.5, 3.0], torch.float16)
    for a in (i, f, h, i.bool()):
        for b in (i, f, h, i.bool()):
            for op in ("torch.addcmul", "torch.addcdiv"):
                family.either(op, a, b, i)
                family.either(op, a, i, b, params={"value": 2})
    family.call("torch.addcmul", *(torch.tensor([2**40 + 1]),) * 3, params={"value": 2**62 + 1}, num=[22])
    for dtype in HALVES:
        for op in ("torch.addcmul", "torch.addcdiv"):
            family.call(op, *(rough(dtype, [9], i).abs() + 0.5 for i in range(3)), params={"value": 0.1})
        for weight in (0.1, 0.7, 3.3):
            family.call("torch.lerp", rough(dtype, [9], 1), rough(dtype, [9], 2), weight)
    family.call("torch.lerp", f, f + 1, torch.tensor(1))
    family.call("torch.lerp", f, f + 1, tensor(0.25, torch.float64))
    family.error("torch.lerp", f, f, 1e39)
    family.error("torch.lerp", f, f.double(), 0.5)
    family.error("torch.lerp", f, f, tensor([0.5, 0.5], torch.float64))


def record(_tables):
    family = Family("elementwise")
    for part in (names, rounding, positive, angles, logit, nan_to_num, polygamma, alpha, quotients, left, float_power,
                 powers, close, masked_fill, bounds, choices, fused):
        part(family)
    return family
