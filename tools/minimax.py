"""Prints the polynomials of backend-simd/src/math/tables.rs: minimax approximations by Remez's exchange, in
arithmetic of 60 digits (needs mpmath).

    python3 tools/minimax.py > backend-simd/src/math/tables.rs && rustfmt backend-simd/src/math/tables.rs

Each entry names a function g, an interval, a weight w and the degree for f32 and for f64. The polynomial p
minimises the largest |w(x) (p(x) - g(x))|, which is the relative error of what is computed from p. Coefficients are
rounded to the nearest number of the type, lowest power first; the last column of the comment is the error that is
left before that rounding.
"""

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


ENTRIES = [
    ("EXP", "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 2", series_or(lambda r: (mp.expm1(r) - r) / r**2, mpf("0.5")),
     lambda r: r**2 / mp.exp(r) if abs(r) > mpf(10) ** -12 else mpf(10) ** -24, -HALF_LN2, HALF_LN2, 4, 10),
    ("EXPM1", "(e^r - 1 - r) / r^2, relative to e^r - 1", series_or(lambda r: (mp.expm1(r) - r) / r**2, mpf("0.5")),
     lambda r: r**2 / mp.expm1(r) if abs(r) > mpf(10) ** -12 else mpf(10) ** -12, -HALF_LN2, HALF_LN2, 5, 11),
    ("LOG", "(2 atanh(s) - 2 s) / s^3 in s^2, |s| <= (sqrt 2 - 1) / (sqrt 2 + 1)",
     series_or(in_square(lambda s: (2 * mp.atanh(s) - 2 * s) / s**3), mpf(2) / 3), lambda u: mpf(1), mpf(0), S**2, 2, 6),
    ("TANH", "(tanh(x) - x) / x^3 in x^2, |x| <= 0.625",
     series_or(in_square(lambda x: (mp.tanh(x) - x) / x**3), mpf(-1) / 3), in_square(lambda x: x**3 / mp.tanh(x) if x > mpf(10) ** -12 else mpf(10) ** -24),
     mpf(0), mpf("0.625") ** 2, 4, 11),
    ("SINH", "(sinh(x) - x) / x^3 in x^2, |x| <= 1",
     series_or(in_square(lambda x: (mp.sinh(x) - x) / x**3), mpf(1) / 6),
     in_square(lambda x: x**3 / mp.sinh(x) if x > mpf(10) ** -12 else mpf(10) ** -24), mpf(0), mpf(1), 3, 7),
    ("SIN", "(sin(x) - x) / x^3 in x^2, |x| <= pi / 4", series_or(in_square(lambda x: (mp.sin(x) - x) / x**3), mpf(-1) / 6),
     in_square(lambda x: x**3 / mp.sin(x) if x > mpf(10) ** -12 else mpf(10) ** -24), mpf(0), PI_4**2, 2, 5),
    ("COS", "(cos(x) - 1 + x^2 / 2) / x^4 in x^2, |x| <= pi / 4",
     series_or(in_square(lambda x: (mp.cos(x) - 1 + x**2 / 2) / x**4), mpf(1) / 24),
     in_square(lambda x: x**4 / mp.cos(x) if x > mpf(10) ** -12 else mpf(10) ** -48), mpf(0), PI_4**2, 2, 5),
    ("ERF", "(erf(x) - x 2/sqrt(pi)) / x^3 in x^2, |x| <= 0.9",
     series_or(in_square(lambda x: (mp.erf(x) - x * 2 / mp.sqrt(mp.pi)) / x**3), -2 / mp.sqrt(mp.pi) / 3),
     in_square(lambda x: x**3 / mp.erf(x) if x > mpf(10) ** -12 else mpf(10) ** -24), mpf(0), mpf("0.9") ** 2, 5, 12),
    ("ERFC", "e^(x^2) erfc(x) / t in t = 2 / (2 + x), 0.5 <= x <= 28", lambda t: erfcx(2 / t - 2) / t,
     lambda t: t / erfcx(2 / t - 2), 2 / mpf(30), 2 / mpf("2.5"), 10, 22),
    ("EXP2", "(2^r - 1 - r ln 2) / r^2 for |r| <= 1/2",
     series_or(lambda r: (mpf(2) ** r - 1 - r * mp.log(2)) / r**2, mp.log(2) ** 2 / 2), lambda r: r**2 / mpf(2) ** r if abs(r) > mpf(10) ** -12 else mpf(10) ** -24,
     mpf("-0.50001"), mpf("0.50001"), 4, 10),
]


def main():
    print("//! Minimax polynomials, lowest power first. Written by `tools/minimax.py`, not by hand.\n")
    for name, text, g, w, lo, hi, single, double in ENTRIES:
        for kind, degree in (("f32", single), ("f64", double)):
            coefficients, error = remez(g, w, lo, hi, degree)
            print(f"/// {text}. Error 2^{mp.nstr(mp.log(error, 2), 4)}.")
            import struct

            def shown(c):
                v = float(c)
                return repr(struct.unpack("f", struct.pack("f", v))[0]) if kind == "f32" else repr(v)

            def short(c):
                """The shortest decimal that names the f32."""
                exact = float(shown(c))
                for digits in range(6, 18):
                    text = f"{exact:.{digits}e}"
                    if struct.pack("f", float(text)) == struct.pack("f", exact):
                        return text
            body = ", ".join(short(c) if kind == "f32" else shown(c) for c in coefficients)
            print(f"pub(super) const {name}_{kind.upper()}: [{kind}; {degree + 1}] = [{body}];\n")


main()
