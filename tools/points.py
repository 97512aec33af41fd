"""Prints backend-simd/src/math/points.txt: values of functions at f64 points, by mpmath in 60 digits or more.

    python3 tools/points.py > backend-simd/src/math/points.txt

A line: the op, the bits of its operands, the bits of the nearest f64 to its value, and what that lacks in units of its
last place.
"""

import random
import struct

from mpmath import mp, mpf

mp.dps = 60


def bits(v):
    return struct.unpack("<Q", struct.pack("<d", v))[0]


def unit(v):
    """The distance of an f64 to the next larger one in size."""
    return mpf(2) ** (max((bits(v) >> 52) & 0x7FF, 1) - 1075)


def nearest(exact):
    """The nearest f64, also below the normal numbers, where conversion may round twice."""
    guess = float(exact)
    step = unit(guess)
    return float(mp.nint(exact / step) * step)


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 50 else x + mp.log1p(mp.exp(-x))


def mish(x):
    e = mp.exp(x)
    n = e * (e + 2)
    return x * n / (n + 2)


def gelu(x):
    return x * mp.erfc(-x / mp.sqrt(2)) / 2


def gelu_tanh(x):
    return x * sigmoid(2 * mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3))


def logaddexp(a, b):
    return max(a, b) + mp.log1p(mp.exp(-abs(a - b)))


# The function and where it is looked at: intervals in which points are uniform, or their logarithms, or those of their distance
# to 1.
UNARY = {
    "exp": (mp.exp, [(-745, 709), (-1, 1), (-40, 40)]),
    "exp2": (lambda x: mpf(2) ** x, [(-1074, 1023), (-1, 1), (-40, 40)]),
    "expm1": (mp.expm1, [(-40, 709), (-1, 1), (-1e-5, 1e-5)]),
    "log": (mp.log, [(1e-300, 1e300, "log"), (0.5, 2), (1e-320, 1e-310)]),
    "log2": (lambda x: mp.log(x, 2), [(1e-300, 1e300, "log"), (0.5, 2), (1e-320, 1e-310)]),
    "log10": (mp.log10, [(1e-300, 1e300, "log"), (0.5, 2), (1e-320, 1e-310)]),
    "log1p": (mp.log1p, [(-0.999, 1), (1e-20, 1e300, "log"), (-1e-5, 1e-5)]),
    "sin": (mp.sin, [(-10, 10), (-1e5, 1e5), (1e7, 1e300, "log"), (1e-10, 1, "log")]),
    "cos": (mp.cos, [(-10, 10), (-1e5, 1e5), (1e7, 1e300, "log"), (1e-10, 1, "log")]),
    "tan": (mp.tan, [(-10, 10), (-1e5, 1e5), (1e7, 1e300, "log"), (1e-10, 1, "log")]),
    "asin": (mp.asin, [(-1, 1), (0.4, 0.6), (0.999, 1)]),
    "acos": (mp.acos, [(-1, 1), (0.4, 0.6), (0.999, 1)]),
    "atan": (mp.atan, [(-2, 2), (-30, 30), (1e-20, 1e20, "log")]),
    "sinh": (mp.sinh, [(-710, 710), (-2, 2), (1e-10, 1, "log")]),
    "cosh": (mp.cosh, [(-710, 710), (-2, 2), (1e-10, 1, "log")]),
    "tanh": (mp.tanh, [(-20, 20), (-1, 1), (1e-10, 1, "log")]),
    "asinh": (mp.asinh, [(-30, 30), (-1, 1), (1e-10, 1e300, "log")]),
    "acosh": (mp.acosh, [(1, 30), (1, 1.1), (1, 1e300, "log")]),
    "atanh": (mp.atanh, [(-1, 1), (-0.1, 0.1), (0.999, 1)]),
    "erf": (mp.erf, [(-6, 6), (-1, 1), (1e-10, 1, "log")]),
    "erfc": (mp.erfc, [(-6, 27), (-1, 1), (1e-10, 1, "log")]),
    "sigmoid": (sigmoid, [(-745, 40), (-6, 6), (-1, 1)]),
    "silu": (lambda x: x * sigmoid(x), [(-750, 40), (-6, 6), (-1, 1)]),
    "mish": (mish, [(-750, 40), (-6, 6), (-1, 1)]),
    "gelu": (gelu, [(-38, 10), (-6, 6), (-1, 1)]),
    "gelu_tanh": (gelu_tanh, [(-20, 10), (-6, 6), (-1, 1)]),
    "softplus": (softplus, [(-745, 20), (-6, 6), (-1, 1)]),
    "logsigmoid": (lambda x: -softplus(-x), [(-20, 745), (-6, 6), (-1, 1)]),
}
# The same, drawn last, so that the points of the others stay what they are.
SPECIAL = {
    "erfinv": (mp.erfinv, [(-1, 1), (0.99, 0.995), (0.9999, 1), (1e-10, 1, "log"), (1e-16, 1e-2, "to one")]),
    "lgamma": (lambda x: mp.loggamma(x).real, [(0, 3), (1.2, 1.5), (0.9, 1.1), (1.9, 2.1), (2, 20), (1e-300, 1e300, "log")]),
    "digamma": (mp.digamma, [(0, 3), (1.4, 1.5), (2, 20), (1e-300, 1e300, "log")]),
    "sinc": (mp.sincpi, [(-0.5, 0.5), (1e-10, 0.5, "log")]),
}
SIGNED = (-8, 8)
BINARY = {
    "pow": (mp.power, [((0, 10), (-300, 300)), ((1e-300, 1e300, "log"), (-1, 1)), ((0.99, 1.01), (-7e4, 7e4))]),
    "atan2": (mp.atan2, [(SIGNED, SIGNED), ((1e-100, 1e100, "log"), (1e-100, 1e100, "log"))]),
    "hypot": (mp.hypot, [(SIGNED, SIGNED), ((1e-300, 1e300, "log"), (1e-300, 1e300, "log"))]),
    "logaddexp": (logaddexp, [((0, 8), SIGNED), ((0, 500), (0, 500))]),
    "xlogy": (lambda a, b: a * mp.log(b), [(SIGNED, (0, 10)), (SIGNED, (1e-300, 1e300, "log"))]),
}
POINTS = 60


def draw(interval):
    lo, hi, *kind = interval
    if kind:
        v = float(mp.exp(random.uniform(float(mp.log(lo)), float(mp.log(hi)))))
        v = min(max(v, lo), hi)
        return v if kind == ["log"] else 1 - v
    return random.uniform(lo, hi)


def show(name, operands, exact):
    if not mp.isfinite(exact) or exact == 0:
        return
    value = nearest(exact)
    lacks = (exact - mpf(value)) / unit(value)
    print(name, *(f"{bits(v):016x}" for v in operands), f"{bits(value):016x}", mp.nstr(lacks, 3))


def of_one_operand(functions):
    for name, (f, intervals) in functions.items():
        for i in range(POINTS):
            x = draw(intervals[i % len(intervals)])
            mp.dps = 400 if abs(x) > 1e6 and name in ("sin", "cos", "tan") else 60
            show(name, [x], f(mpf(x)))
    mp.dps = 60


def main():
    random.seed(4)
    of_one_operand(UNARY)
    for name, (f, areas) in BINARY.items():
        for i in range(POINTS):
            a, b = (draw(interval) for interval in areas[i % len(areas)])
            exact = f(mpf(a), mpf(b))
            if mpf(2) ** -1074 < abs(exact) < mpf(2) ** 1023.9:
                show(name, [a, b], exact)
    of_one_operand(SPECIAL)


main()
