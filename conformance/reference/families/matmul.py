"""Matrix products in every shape, dtype and length of the inner sum."""

import torch

from recorder import Formula, Family
from values import ALL, FLOATS, INF, INTS, NAN, WIDE, ordinary, rough, tensor

F32, F64 = torch.float32, torch.float64
SHAPES = [
    ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((1, 3), (3, 1)), ((3, 1), (1, 4)),
    ((2, 5, 3), (2, 3, 4)), ((2, 5, 3), (3, 4)), ((5, 3), (2, 3, 4)), ((2, 5, 3), (3,)), ((3,), (5, 3, 4)),
    ((2, 1, 3, 4), (5, 4, 6)), ((2, 3, 1, 4), (2, 1, 4, 2)), ((1, 1, 2, 1, 1, 3, 2), (1, 2, 1, 2, 3)),
    ((2, 0), (0, 3)), ((0, 4), (4, 3)), ((2, 3), (3, 0)), ((0,), (0,)), ((2, 0, 3), (2, 3, 4)), ((0, 2, 3), (3, 4)),
    ((1, 1), (1, 1)),
]


def record(_tables):
    family = Family("matmul")
    op = "torch.matmul"
    for a, b in SHAPES:
        family.call(op, rough(F32, a, 21), rough(F32, b, 22), grad=True, num=[15])
        family.call(op, rough(F64, a, 21), rough(F64, b, 22), grad=len(a) < 4)
    for dtype in ALL:
        a, b = ordinary(dtype, [3, 5]), ordinary(dtype, [5, 2], 3)
        if dtype is torch.bool:
            family.error(op, a, b, num=[25])
            continue
        family.call(op, a, b)
        if dtype in INTS:
            top = torch.iinfo(dtype).max
            family.call(op, torch.full((2, 3), top, dtype=dtype), torch.full((3, 2), 2, dtype=dtype), num=[22])
            continue
        # The lengths about 16, and cancellation among full mantissas (38).
        for k in (1, 2, 3, 15, 16, 17):
            family.call(op, rough(dtype, [3, k], 23), rough(dtype, [k, 4], 24), num=[38])
        # 8: no zero is skipped.
        zero = tensor([[0.0, 1.0], [0.0, 0.0], [-0.0, 2.0]], dtype)
        family.call(op, zero, tensor([[INF, NAN, 1.0], [1.0, 1.0, -1.0]], dtype), num=[8])
        family.call(op, tensor([[NAN, 1.0]], dtype), tensor([[0.0], [0.0]], dtype), num=[8])
        top = torch.finfo(dtype).max
        family.call(op, tensor([[top, 1.0], [top, top]], dtype), tensor([[1.0, -1.0], [0.5, 1.0]], dtype))
        # 37, 38: K = 4096, by formula.
        family.call(op, Formula(dtype, [2, 4096], constant=1.0), Formula(dtype, [4096, 2], constant=1.0), num=[37])
        a, b = Formula(dtype, [2, 4096], 7919, 3, 61, 30, 8), Formula(dtype, [4096, 3], 104729, 5, 59, 29, 8)
        # Products are whole multiples of 1/64 and their sums exact in f64: the rounded exact value is the answer.
        exact = (a.tensor.double() @ b.tensor.double()).to(dtype)
        family.call(op, a, b, out=exact, num=[38], why="the exact product, rounded once; PyTorch's half kernels differ by CPU")
    x = [rough(F64, [2, 3], 25), rough(F64, [3, 2], 26)]
    family.call(op, *x, grad=True, grad2=True)
    family.call(op, rough(F64, [3], 25), rough(F64, [3], 26), grad=True, grad2=True)
    for a, b in [((2, 3), (2, 3)), ((3,), (4,)), ((2, 3), (4,)), ((2, 5, 3), (3, 3, 4))]:
        family.error(op, rough(F32, a, 21), rough(F32, b, 22), num=[40])
    family.error(op, torch.tensor(1.0), rough(F32, [3], 1))
    family.error(op, rough(F32, [2, 3], 1), rough(F64, [3, 2], 1))
    return family
