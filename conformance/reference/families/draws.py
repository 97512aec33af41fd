"""Seeded draws: the numbers of PyTorch's CPU generator, alone and in sequences that prove how much of the
stream each draw takes. A case's inputs are the seed and the steps; an output per step. Bits."""

import torch

from recorder import SHORT, Family
from values import ALL, FLOATS, INTS

SIZES = (1, 15, 16, 17, 100)
HEAD = 40


def draw(kind, n, dtype, *args):
    """One step. A long draw is recorded by its head and tail."""
    if kind == "rand":
        out = torch.rand(n, dtype=dtype)
    elif kind == "randn":
        out = torch.randn(n, dtype=dtype)
    elif kind == "randint":
        out = torch.randint(args[0], args[1], (n,), dtype=dtype)
    elif kind == "randperm":
        out = torch.randperm(n)
    elif kind == "bernoulli":
        out = torch.empty(n, dtype=dtype).bernoulli_(args[0])
    elif kind == "normal_in_pairs":
        # What normal_ draws for a tensor that is not contiguous.
        out = torch.empty(n, 2, dtype=dtype)[:, 0].normal_(*args).contiguous()
    elif kind == "random_from":
        out = torch.empty(n, dtype=dtype).random_(args[0], None)
    else:
        out = getattr(torch.empty(n, dtype=dtype), kind)(*args)
    return out


def record(_tables):
    family = Family("random")

    def sequence(seed, *steps):
        torch.manual_seed(seed)
        outs = []
        for kind, n, dtype, *args in steps:
            out = draw(kind, n, dtype, *args)
            outs.append(out if n <= 128 else torch.cat([out[:HEAD], out[-HEAD:]]))
        coded = [[kind, n, SHORT[dtype], *args] for kind, n, dtype, *args in steps]
        family.add("torch.random", [seed, coded], {}, out=family.ref(outs))

    for dtype in FLOATS:
        sequence(0, *(("rand", n, dtype) for n in SIZES))
        sequence(0, *(("randn", n, dtype) for n in SIZES))
        sequence(1, ("uniform_", 17, dtype, -2.5, 4.0), ("normal_", 17, dtype, 3.0, 0.5), ("normal_", 5, dtype, -1.0, 2.0),
                 ("exponential_", 17, dtype, 1.5))
        sequence(7, ("rand", 1000, dtype), ("randn", 1000, dtype))
    for dtype in INTS + FLOATS:
        low = 0 if dtype is torch.uint8 else -5
        sequence(2, *(("randint", n, dtype, low, 100) for n in (1, 17)))
    sequence(3, ("randint", 9, torch.int64, -(2**40), 2**40), ("randint", 9, torch.int64, 0, 2**28),
             ("randint", 9, torch.int64, 0, 2**28 - 1), ("randint", 5, torch.int64, -(2**63), 2**63 - 1),
             ("randint", 5, torch.int32, -(2**31), 2**31 - 1))
    sequence(4, *(("randperm", n, torch.int64) for n in (0, 1, 2, 15, 16, 17, 100, 1000)))
    for dtype in ALL:
        sequence(5, ("bernoulli", 17, dtype, 0.3), ("bernoulli", 3, dtype, 1.0), ("bernoulli", 3, dtype, 0.0))
    f, d = torch.float32, torch.float64
    # Odd normals keep half of a pair for the next short fill, of whatever dtype; long ones leave it alone.
    sequence(6, ("rand", 3, f), ("randn", 3, f), ("randint", 4, torch.int64, 0, 10), ("randn", 1, d), ("randperm", 5, torch.int64),
             ("randn", 16, f), ("randn", 1, f), ("bernoulli", 4, f, 0.5), ("rand", 2, d), ("randn", 17, d), ("exponential_", 2, f, 1.0),
             ("rand", 2, f))
    for dtype in FLOATS:
        sequence(9, ("normal_in_pairs", 20, dtype, 3.0, 0.5), ("normal_in_pairs", 3, dtype, 0.0, 1.0), ("normal_", 17, dtype, 0.0, 1.0),
                 ("normal_", 3, dtype, 0.0, 1.0))
        # The last bits of these in double precision are those of the C library.
        if dtype is not d:
            sequence(10, ("cauchy_", 17, dtype, 1.5, 2.5), ("log_normal_", 17, dtype, 0.5, 0.75))
    for dtype in INTS + FLOATS:
        sequence(11, ("geometric_", 17, dtype, 0.3), ("random_", 17, dtype), ("random_from", 17, dtype, 3))
    sequence(11, ("random_", 17, torch.bool), ("random_from", 5, torch.bool, 1))
    for dtype in (torch.int64, d, f, torch.bfloat16):
        sequence(12, ("random_from", 5, dtype, -(2**63)))
    sequence(2**40 + 3, ("rand", 4, f))
    sequence(3, ("rand", 4, f))
    sequence(0, ("rand", 0, f), ("randn", 0, f), ("rand", 2, f))
    # 624 words make a block of the generator: across its end.
    sequence(8, ("rand", 620, f), ("rand", 8, f), ("randn", 700, f), ("rand", 3, d))
    return family
