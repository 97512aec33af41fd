"""The value classes: what the inputs are made of."""

import math

import torch

INTS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
INTEGRAL = [torch.bool] + INTS
HALVES = [torch.float16, torch.bfloat16]
WIDE = [torch.float32, torch.float64]
FLOATS = HALVES + WIDE
ALL = INTEGRAL + FLOATS
INF, NAN = math.inf, math.nan


def tensor(values, dtype):
    """A tensor of Python numbers; floats beyond the range of the dtype become infinities."""
    if dtype.is_floating_point:
        return torch.tensor(values, dtype=torch.float64).to(dtype)
    return torch.tensor(values, dtype=dtype)


def step(value, dtype, up):
    """The neighbour of a positive finite number in a dtype."""
    as_int = {2: torch.int16, 4: torch.int32, 8: torch.int64}[torch.empty(0, dtype=dtype).element_size()]
    bits = torch.tensor([value], dtype=torch.float64).to(dtype).view(as_int)
    return (bits + (1 if up else -1)).view(dtype).to(torch.float64).item()


def around(value, dtype):
    """A positive number and its two neighbours, and all three negated."""
    near = [step(value, dtype, False), value, step(value, dtype, True)]
    return near + [-v for v in near]


def edges(dtype):
    """The ends of a float dtype: smallest and largest subnormal, smallest normal, largest number."""
    info = torch.finfo(dtype)
    return [info.smallest_normal * info.eps, step(info.smallest_normal, dtype, False), info.tiny, info.max]


def specials(dtype):
    """Zeros, infinities, NaN and the ends of a float dtype, of both signs."""
    ends = edges(dtype)
    return [0.0, -0.0, INF, -INF, NAN] + ends + [-v for v in ends]


ORDINARY = [1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 0.1, -0.1, 0.7, -0.7, 1.25, -1.75, 5.9, -6.1, 8.0, 10.5, -12.25]
SMALL = [1e-3, -1e-3, 1e-5, -1e-5, 1e-8, -1e-8]
LARGE = [20.1, -20.1, 50.0, -50.0, 100.0, -100.0, 1000.0, -1000.0, 1e4, -1e4, 1e30, -1e30]


def floats(dtype, extra=()):
    """What every elementwise op of floats is asked."""
    return tensor(specials(dtype) + ORDINARY + SMALL + LARGE + around(1.0, dtype) + list(extra), dtype)


def ints(dtype):
    """The ends and the middle of an integer dtype; of bool both values."""
    if dtype is torch.bool:
        return torch.tensor([False, True, True, False])
    info = torch.iinfo(dtype)
    middle = [0, 1, 2, 3, 7, 100] + ([-1, -2, -3, -7, -100] if info.min < 0 else [128, 200])
    return torch.tensor([info.min, info.min + 1, info.max, info.max - 1] + middle, dtype=dtype)


def ordinary(dtype, shape, shift=0):
    """Plain values of a shape; of an integer dtype small ones, of bool a mixture."""
    n = math.prod(shape)
    if dtype is torch.bool:
        return torch.tensor([(i * 7 + shift) % 3 == 0 for i in range(n)], dtype=dtype).reshape(shape)
    if not dtype.is_floating_point:
        low = 0 if dtype is torch.uint8 else -4
        return torch.tensor([(i * 5 + shift) % 9 + low for i in range(n)], dtype=dtype).reshape(shape)
    # Multiples of 1/8 with few bits: exact in every float dtype, and products of two are, too.
    return torch.tensor([((i * 37 + shift * 11 + 5) % 53 - 26) / 8 for i in range(n)], dtype=dtype).reshape(shape)


def rough(dtype, shape, seed):
    """Values with full mantissas, so that rounding shows."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


SHAPES = [(), (0,), (2, 0, 3), (1,), (2, 1, 3, 2), (1, 2, 1, 3, 1, 2, 1)]
