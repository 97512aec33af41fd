"""Casts between all dtypes, filling, and the promotion table."""

import torch

from recorder import Family
from values import ALL, FLOATS, INF, INTS, NAN, edges, ints, ordinary, step, tensor

OUT_OF_RANGE = (
    "numerics 26, 27: a float beyond the range of an integer saturates and NaN gives 0; "
    "PyTorch leaves it undefined and varies by CPU"
)


def sources(dtype):
    """Boundary values of every target dtype, as far as the source can hold them."""
    if dtype not in FLOATS:
        return ints(dtype)
    sub, _, tiny, top = edges(dtype)
    values = [0.0, -0.0, 0.5, -0.5, 0.9999, -0.9999, 1.5, -1.5, 2.5, 126.5, 127.0, 127.5, 128.0, -128.0, -128.9, -129.0]
    values += [255.0, 255.9, 256.0, 300.0, -1.0, 32767.0, 32768.0, -32769.0, 2147483520.0, 2147483648.0]
    values += [-2147483648.0, -2147483904.0, 4294967296.0, 9.2e18, 9.223372036854776e18, -9.223372036854776e18, 1e19]
    # 28: rounding into half types, single precision and their ends.
    values += [1e39, -1e39, 65519.0, 65519.99, 65520.0, 65504.0, 1e-8, 2e-8, 3e-8, 5.96e-8, 8.9e-8, 6.1e-5, 1.00390625]
    values += [1.01171875, 1.005859375, 1.0 + 2.0**-11, 1.0 + 3 * 2.0**-11, 1.0 + 2.0**-24, 1.0 + 2.0**-24 + 2.0**-50]
    values += [3.4028235677973366e38, 1.4e-45, 7e-46, 7.1e-46, 16777217.0, 3.3961775e38, INF, -INF, NAN, sub, tiny, top]
    return tensor(values, dtype)


def saturated(x, dtype):
    """Float to integer, stated by hand."""
    info = torch.iinfo(dtype)
    whole = []
    for v in x.to(torch.float64).tolist():
        if v != v:
            whole.append(0)
        elif v in (INF, -INF):
            whole.append(info.max if v > 0 else info.min)
        else:
            whole.append(max(info.min, min(info.max, int(v))))
    return torch.tensor(whole, dtype=dtype)


def record(_tables):
    family = Family("cast")
    for source in ALL:
        x = sources(source)
        for target in ALL:
            params = {"dtype": target}
            if source in FLOATS and target in INTS:
                out = saturated(x, target)
                # Where the value fits, PyTorch says the same.
                limits = torch.iinfo(target)
                fits = (x.double() > limits.min - 1.0) & (x.double() < limits.max + (0.0 if target is torch.int64 else 1.0))
                assert torch.equal(x[fits].to(target), out[fits]), (source, target)
                family.call("torch.Tensor.to", x, params=params, out=out, why=OUT_OF_RANGE, num=[26, 27, 28])
            else:
                family.call("torch.Tensor.to", x, params=params, num=[28])
    wide = torch.tensor([2**24 + 1, 2**53 + 1, 2**63 - 1, -(2**63), 2**62 + 2**38, 65519, 65520, 2049])
    for target in FLOATS:
        family.call("torch.Tensor.to", wide, params={"dtype": target}, num=[28])
    # A cast carries its gradient back to the source's dtype.
    for source, target in [(torch.float32, torch.float64), (torch.float64, torch.float32), (torch.float32, torch.float16)]:
        family.call("torch.Tensor.to", ordinary(source, [2, 3]), params={"dtype": target}, grad=True)
    for shape in [(), (0,), (2, 1, 3, 2), (1, 2, 1, 3, 1, 2, 1)]:
        family.call("torch.Tensor.to", ordinary(torch.float32, shape), params={"dtype": torch.int16})
    return family


def record_fill(_tables):
    family = Family("fill")
    for dtype in ALL:
        values = [0, 1, True, 2.5] + ([-3] if dtype is not torch.uint8 else [200])
        values += [INF, -INF, NAN, -0.0, 0.1, 1e-8] if dtype in FLOATS else []
        for value in values:
            family.call("torch.full", [2, 3], value, params={"dtype": dtype})
        family.call("torch.full", [], 1, params={"dtype": dtype})
        family.call("torch.full", [0, 2], 1, params={"dtype": dtype})
    family.call("torch.full", [1], step(1.0, torch.float64, True), params={"dtype": torch.float64})
    return family


def record_promote(_tables):
    """The whole table of torch.result_type, and sums of every pair of dtypes."""
    family = Family("promote")

    def pair(a, b):
        family.call("torch.result_type", a, b, num=[39])

    one = {d: torch.ones(1, dtype=d) for d in ALL}
    zero_dim = {d: torch.ones((), dtype=d) for d in ALL}
    for a in ALL:
        for b in ALL:
            pair(one[a], one[b])
            pair(one[a], zero_dim[b])
            pair(zero_dim[a], one[b])
            pair(zero_dim[a], zero_dim[b])
        for scalar in (True, 1, 1.5):
            pair(one[a], scalar)
            pair(zero_dim[a], scalar)
    for a in ALL:
        for b in ALL:
            x, y = ordinary(a, [4]), ordinary(b, [4], 2)
            family.call("torch.add", x, y, num=[39])
            family.call("torch.eq", x, y)
            if a is not b:
                family.call("torch.mul", x, y[1].clone(), num=[39])
                family.call("torch.where", torch.tensor([True, False, True, False]), x, y)
    family.call("torch.add", torch.tensor([1, 2]), 1.5, num=[39])
    family.call("torch.add", torch.tensor([True, False]), 1, num=[39])
    family.call("torch.sin", torch.tensor([1, 2], dtype=torch.uint8), num=[39])
    # Differentiation through a promotion: each gradient has the dtype of its operand.
    family.call("torch.mul", ordinary(torch.float32, [3]), ordinary(torch.float64, [3], 1), grad=True)
    family.call("torch.mul", ordinary(torch.float32, [3]), torch.tensor([2, 3, 4]), grad=True)
    return family
