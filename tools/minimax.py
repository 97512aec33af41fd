"""Prints the polynomials of backend-simd/src/math/tables.rs: minimax approximations by Remez's exchange, in
arithmetic of 60 digits (needs mpmath).

    python3 tools/minimax.py > backend-simd/src/math/tables.rs && rustfmt backend-simd/src/math/tables.rs

Each entry names a function g, an interval, a weight w and the degree for f32 and for f64. The polynomial p
minimises the largest |w(x) (p(x) - g(x))|, which is the relative error of what is computed from p. Coefficients stand
lowest power first, rounded to numbers of the type; the comment gives the error that they have, rounded.
"""

import struct

from mpmath import mp, mpf

mp.dps = 60


def solve(rows, right):
    return list(mp.lu_solve(mp.matrix(rows), mp.matrix(right)))


def remez(g, w, lo, hi, degree, rounds=12, grid=600):
    """Coefficients, lowest power first, and the levelled error."""
    n = degree + 2
    centre, half = (lo + hi) / 2, (hi - lo) / 2
    nodes = [centre - half * mp.cos(mp.pi * i / (n - 1)) for i in range(n)]
    points = [centre - half * mp.cos(mp.pi * i / grid) for i in range(grid + 1)]
    values = [(x, g(x), w(x)) for x in points]
    for _ in range(rounds):
        rows, right = [], []
        for i, x in enumerate(nodes):
            rows.append([x**k for k in range(degree + 1)] + [(-1) ** i / w(x)])
            right.append(g(x))
        *coefficients, level = solve(rows, right)
        error = [wx * (mp.polyval(coefficients[::-1], x) - gx) for x, gx, wx in values]
        # The largest error of each run of equal sign.
        runs = []
        for (x, _, _), e in zip(values, error):
            if runs and mp.sign(runs[-1][1]) == mp.sign(e):
                if abs(e) > abs(runs[-1][1]):
                    runs[-1] = (x, e)
            else:
                runs.append((x, e))
        while len(runs) > n:
            runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
        if len(runs) < n:
            break
        nodes = [x for x, _ in runs]
        spread = max(abs(e) for _, e in runs) / abs(level) if level else mpf(1)
        if spread < mpf("1.0001"):
            break
    return coefficients, max(abs(e) for e in error)


def rounded(g, w, lo, hi, coefficients, kind, grid=300):
    """The coefficients as numbers of the type. Each, from the lowest power, is rounded by itself, and those behind it
    are fitted again by least squares, so that they make up for what rounding took. And the largest error."""
    centre, half = (lo + hi) / 2, (hi - lo) / 2
    points = [centre - half * mp.cos(mp.pi * (i + mpf(1) / 2) / grid) for i in range(grid)]
    weights, wanted = [w(x) for x in points], [g(x) for x in points]
    powers = [[wx * x**k for wx, x in zip(weights, points)] for k in range(len(coefficients))]
    rest = [wx * y for wx, y in zip(weights, wanted)]
    products = [[mp.fdot(p, q) for q in powers] for p in powers]
    found = []
    free = list(coefficients)
    while free:
        value = mpf(nearest(free[0], kind))
        k = len(found)
        found.append(value)
        rest = [y - value * p for y, p in zip(rest, powers[k])]
        free = free[1:]
        if free:
            rows = [products[i][k + 1 :] for i in range(k + 1, len(powers))]
            free = solve(rows, [mp.fdot(powers[i], rest) for i in range(k + 1, len(powers))])
    return found, max(abs(y) for y in rest)


def nearest(c, kind):
    """The nearest number of the type."""
    return struct.unpack("f", struct.pack("f", float(c)))[0] if kind == "f32" else float(c)


def series_or(g, limit):
    """g, and its limit at 0, where g cancels."""
    return lambda x: limit if abs(x) < mpf(10) ** -12 else g(x)


HALF_LN2 = mp.log(2) / 2 * mpf("1.0001")
S = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) * mpf("1.001")
PI_4 = mp.pi / 4 * mpf("1.0001")


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def in_square(f):
    """A function of x^2 from one of x."""
    return lambda u: f(mp.sqrt(u))


def odd(f, first):
    """What remains of an odd f of x behind its first term, over x^3, in x^2, and the weight that makes its error
    that of f."""
    tiny = mpf(10) ** -12
    rest = series_or(in_square(lambda x: (f(x) - first * x) / x**3), mp.taylor(f, 0, 3)[3])
    return rest, in_square(lambda x: x**3 / f(x) if x > tiny else tiny**2)


def about(middle, f):
    """f of a variable that is counted from a middle, and the weight of its relative error."""
    return lambda u: f(u + middle), lambda u: 1 / f(u + middle)


# Near the middle of where the variable lies, and such that the value there happens to be near a number of either type.
ERFC_MIDDLE = mpf(127) / 256
NORMAL_MIDDLE = mpf(9) / 16


ONE = lambda u: mpf(1)


def normal_tail(x):
    return mp.erfc(x / mp.sqrt(2)) / 2


def normal_weight(x):
    """An error of P(-x) counts as one of 1 - P(-x), but where it is larger than so and so many of P(-x) itself."""
    most = mpf(512) * (1 if x < 4 else min(mpf(256), mpf(2) ** (6 * (x - 4))))
    return mp.log(2) / min(1 / (2 * normal_tail(x)), most)

# As for ERFC_MIDDLE, of w in the first polynomial of the inverse error function.
ERFINV_MIDDLE = mpf(637) / 256
# Where its second polynomial begins, in the root of w.
ERFINV_ROOT = mpf("2.236")


def erfinv_near(t):
    w = t + ERFINV_MIDDLE
    x = mp.sqrt(-mp.expm1(-w))
    return mp.erfinv(x) / x if w > mpf(10) ** -12 else mp.sqrt(mp.pi) / 2


def erfinv_far(t):
    s = t + 3
    return mp.erfinv(mp.sqrt(-mp.expm1(-s * s))) / s


DIGAMMA_ROOT = mp.findroot(mp.digamma, mpf("1.46"))


def digamma_near(t):
    x = t + mpf("1.75")
    h = x - DIGAMMA_ROOT
    return mp.digamma(x) / h if abs(h) > mpf(10) ** -12 else mp.zeta(2, DIGAMMA_ROOT)


def far(f):
    """A function of 1 / x^2 from one of x, and none at 0."""
    return lambda z: f(1 / mp.sqrt(max(z, mpf(10) ** -12)))


# Name, text, function, weight, and for f32 and f64 each: interval, degree. One interval serves both where one stands.
ENTRIES = [
    ("EXP", "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 2", series_or(lambda r: (mp.expm1(r) - r) / r**2, mpf("0.5")),
     lambda r: r**2 / mp.exp(r) if abs(r) > mpf(10) ** -12 else mpf(10) ** -24, (-HALF_LN2, HALF_LN2), 4, 9),
    ("EXPM1", "(e^r - 1 - r) / r^2, relative to e^r - 1", series_or(lambda r: (mp.expm1(r) - r) / r**2, mpf("0.5")),
     lambda r: r**2 / mp.expm1(r) if abs(r) > mpf(10) ** -12 else mpf(10) ** -12, (-HALF_LN2, HALF_LN2), 5, 10),
    ("EXP2", "(2^r - 1 - r ln 2) / r^2 for |r| <= 1/2",
     series_or(lambda r: (mpf(2) ** r - 1 - r * mp.log(2)) / r**2, mp.log(2) ** 2 / 2),
     lambda r: r**2 / mpf(2) ** r if abs(r) > mpf(10) ** -12 else mpf(10) ** -24,
     (mpf("-0.50001"), mpf("0.50001")), 4, 9),
    ("LOG", "(2 atanh(s) - 2 s) / s^3 in s^2, |s| <= (sqrt 2 - 1) / (sqrt 2 + 1)",
     odd(lambda s: 2 * mp.atanh(s), 2)[0], ONE, (mpf(0), S**2), 2, 6),
    ("LOG_TAIL", "(2 atanh(s) - 2 s - 2/3 s^3) / s^5 in s^2, |s| <= (sqrt 2 - 1) / (sqrt 2 + 1)",
     series_or(in_square(lambda s: (2 * mp.atanh(s) - 2 * s - mpf(2) / 3 * s**3) / s**5), mpf(2) / 5), ONE,
     (mpf(0), S**2), 2, 7),
    ("LOG1P", "(2 atanh(s / 2) - s) / s^3 in s^2, s <= 2/3", *odd(lambda s: 2 * mp.atanh(s / 2), 1),
     (mpf(0), mpf(4) / 9), 3, 9),
    ("TANH", "(tanh(x) - x) / x^3 in x^2, |x| <= 0.625", *odd(mp.tanh, 1), (mpf(0), mpf("0.625") ** 2), 4, 11),
    ("SINH", "(sinh(x) - x) / x^3 in x^2, |x| <= 1", *odd(mp.sinh, 1), (mpf(0), mpf(1)), 3, 6),
    ("SIN", "(sin(x) - x) / x^3 in x^2, |x| <= pi / 4", *odd(mp.sin, 1), (mpf(0), PI_4**2), 2, 5),
    ("COS", "(cos(x) - 1 + x^2 / 2) / x^4 in x^2, |x| <= pi / 4",
     series_or(in_square(lambda x: (mp.cos(x) - 1 + x**2 / 2) / x**4), mpf(1) / 24),
     in_square(lambda x: x**4 / mp.cos(x) if x > mpf(10) ** -12 else mpf(10) ** -48), (mpf(0), PI_4**2), 2, 5),
    ("ASIN", "(asin(x) - x) / x^3 in x^2, |x| <= 1/2", *odd(mp.asin, 1), (mpf(0), mpf("0.25")), 4, 12),
    ("ATAN", "(atan(x) - x) / x^3 in x^2, |x| <= 1", *odd(mp.atan, 1), (mpf(0), mpf(1)), 8, 20),
    ("ERF", "(erf(x) - x) / x in x^2, |x| <= 0.9",
     series_or(in_square(lambda x: mp.erf(x) / x - 1), 2 / mp.sqrt(mp.pi) - 1),
     series_or(in_square(lambda x: x / mp.erf(x)), mp.sqrt(mp.pi) / 2), (mpf(0), mpf("0.9") ** 2), 6, 11),
    ("LOG_ERFC", "log(erfc(x)), relative to 1 / erfc(x), 0.9 <= x <= 4 and 6", lambda x: mp.log(mp.erfc(x)), mp.erfc,
     ((mpf("0.9"), mpf(4)), (mpf("0.9"), mpf(6))), 6, 18),
    ("ERFC", "e^(x^2) erfc(x) / t in t - 127/256, t = 1 / (1 + 3/8 x), 0 <= x <= 10.5 and 27.5",
     *about(ERFC_MIDDLE, lambda t: erfcx((1 / t - 1) * 8 / 3) / t),
     ((1 / mpf("4.9375") - ERFC_MIDDLE, 1 - ERFC_MIDDLE), (1 / mpf("11.3125") - ERFC_MIDDLE, 1 - ERFC_MIDDLE)), 11, 25),
    ("NORMAL", "e^(x^2 / 2) P(-x) / t in t - 9/16, t = 1 / (1 + x / 4), P of the normal distribution, 0 <= x <= 14.5 and 39",
     *about(NORMAL_MIDDLE, lambda t: erfcx((4 / t - 4) / mp.sqrt(2)) / 2 / t),
     ((1 / mpf("4.625") - NORMAL_MIDDLE, 1 - NORMAL_MIDDLE), (1 / mpf("10.75") - NORMAL_MIDDLE, 1 - NORMAL_MIDDLE)), 10, 23),
    ("LOG2_NORMAL",
     "log2(P(-x)), P of the normal distribution, as an error of 1 - P(-x), and somewhat better above 3; 0 <= x <= 14.5",
     lambda x: mp.log(normal_tail(x), 2), normal_weight, (mpf(0), mpf("14.5")), 13, None),
    ("ERFINV", "erfinv(x) / x in w - 637/256, w = -log(1 - x^2) <= 5", erfinv_near, lambda t: 1 / erfinv_near(t),
     (-ERFINV_MIDDLE, mpf("5.001") - ERFINV_MIDDLE), 10, 23),
    ("ERFINV_FAR", "erfinv(x) / s - 1 in s - 3, s = sqrt(-log(1 - x^2)), 2.236 <= s <= 4 and 6.02",
     lambda t: erfinv_far(t) - 1, lambda t: 1 / erfinv_far(t),
     ((ERFINV_ROOT - 3, mpf(1)), (ERFINV_ROOT - 3, mpf("3.02"))), 8, 27),
    ("LGAMMA", "lgamma(2 + u) / u for -3/4 <= u <= 1/2", series_or(lambda u: mp.loggamma(2 + u) / u, 1 - mp.euler),
     series_or(lambda u: u / mp.loggamma(2 + u), 1 / (1 - mp.euler)), (mpf("-0.75"), mpf("0.5")), None, 21),
    ("LGAMMA_FAR", "(lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) x in 1 / x^2, x >= 8",
     far(lambda x: (mp.loggamma(x) - (x - mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x),
     far(lambda x: 1 / x / mp.loggamma(x)), (mpf(0), mpf(1) / 64), None, 5),
    ("DIGAMMA", "digamma(x) / (x - its root) in x - 7/4, 1 <= x <= 5/2", digamma_near, lambda t: 1 / digamma_near(t),
     (mpf("-0.75"), mpf("0.75")), None, 25),
    ("DIGAMMA_FAR", "(digamma(x) - log(x) + 1 / (2 x)) x^2 in 1 / x^2, x >= 8",
     far(lambda x: (mp.digamma(x) - mp.log(x) + 1 / (2 * x)) * x**2), far(lambda x: 1 / x**2 / mp.digamma(x)),
     (mpf(0), mpf(1) / 64), None, 6),
]


def main():
    print("//! Minimax polynomials, lowest power first. Written by `tools/minimax.py`, not by hand.\n")
    for name, text, g, w, interval, single, double in ENTRIES:
        intervals = interval if isinstance(interval[0], tuple) else (interval, interval)
        for kind, degree, (lo, hi) in (("f32", single, intervals[0]), ("f64", double, intervals[1])):
            # Where there is another way.
            if degree is None:
                continue
            coefficients, _ = remez(g, w, lo, hi, degree)
            coefficients, error = rounded(g, w, lo, hi, coefficients, kind)
            print(f"/// {text}. Error 2^{mp.nstr(mp.log(error, 2), 4)}.")
            body = ", ".join(short(float(c)) if kind == "f32" else repr(float(c)) for c in coefficients)
            print(f"pub(super) const {name}_{kind.upper()}: [{kind}; {degree + 1}] = [{body}];\n")


def short(exact):
    """The shortest decimal that names an f32."""
    for digits in range(6, 18):
        text = f"{exact:.{digits}e}"
        if struct.pack("f", float(text)) == struct.pack("f", exact):
            mantissa, exponent = text.split("e")
            mantissa = mantissa.rstrip("0")
            mantissa += "0" * mantissa.endswith(".")
            return mantissa if int(exponent) == 0 else f"{mantissa}e{exponent}"
    return repr(exact)


main()
