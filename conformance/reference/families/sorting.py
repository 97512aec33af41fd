"""Order and search as a user calls them. What equal elements give where PyTorch leaves it open is left out."""

import torch

from recorder import Family
from values import ALL, FLOATS, INF, INTS, NAN, WIDE, ordinary, tensor

F32, F64 = torch.float32, torch.float64
X = tensor([[1.0, 3.0, 2.5], [2.0, -1.0, 0.0]], F64)
TIES = tensor([[2.0, 1.0, 2.0], [1.0, 0.0, 1.0]], F64)


def order(family):
    for descending in (False, True):
        family.call("torch.sort", TIES, params={"stable": True, "dim": 1, "descending": descending}, grad=True, num=[7])
        family.call("torch.argsort", TIES, params={"stable": True, "dim": 0, "descending": descending}, sample=True)
    family.call("torch.sort", X, grad=True, grad2=True)
    family.call("torch.sort", torch.tensor(2.5), grad=True)
    family.error("torch.sort", X, 2)
    family.error("torch.sort", torch.tensor(2.5), 1)
    for dtype in ALL:
        family.call("torch.argsort", tensor([[1, 0], [0, 1]], dtype), 0)
        family.call("torch.msort", tensor([[1, 0], [0, 1]], dtype), grad=dtype in WIDE)
    family.call("torch.argsort", X)
    family.call("torch.argsort", torch.tensor(2.5))
    family.error("torch.argsort", X, 2)
    family.call("torch.msort", tensor([NAN, 1.0, -INF, INF], F64), grad=True)
    family.call("torch.msort", torch.zeros(0, 3))
    family.call("torch.msort", torch.tensor(2.5))


def chosen(family):
    for largest in (True, False):
        family.call("torch.topk", X, 2, 1, largest, grad=True, grad2=True)
    family.call("torch.topk", X, 1, 0, grad=True)
    family.call("torch.topk", X, 0)
    family.call("torch.topk", torch.tensor(2.5), 1, grad=True)
    family.call("torch.topk", torch.tensor(2.5), 0)
    family.call("torch.topk", torch.zeros(0, 3), 2)
    family.call("torch.topk", X, 1, params={"sorted": False})
    for args in ((4, 1), (-1, 1), (1, 2)):
        family.error("torch.topk", X, *args)
    family.error("torch.topk", torch.tensor(2.5), 2)
    family.error("torch.topk", torch.tensor([True]), 1)
    family.call("torch.kthvalue", X, 2, 1, True, grad=True, grad2=True, sample=True)
    family.call("torch.kthvalue", X, 1, params={"dim": 0}, grad=True)
    family.call("torch.kthvalue", torch.tensor(2.5), 1, grad=True)
    family.call("torch.kthvalue", torch.zeros(0, 3), 1)
    for args in ((0, 1), (4, 1), (-1, 1), (1, 2)):
        family.error("torch.kthvalue", X, *args)
    family.error("torch.kthvalue", torch.zeros(3, 0), 1)
    for op in ("torch.median", "torch.nanmedian"):
        family.call(op, X, 1, True, grad=True, sample=True)
        family.call(op, torch.zeros(0, 3), 1)
        family.error(op, torch.zeros(0, 3), 0)


def distinct(family):
    whole = {"return_inverse": True, "return_counts": True}
    for dtype in ALL:
        x = ordinary(dtype, [2, 6])
        family.call("torch.unique", x, params=whole, num=[7])
        family.call("torch.unique", x, params={**whole, "dim": 1})
        family.call("torch.unique_consecutive", tensor([1, 1, 0, 1, 0, 0], dtype), params=whole)
        family.call("torch.unique_consecutive", tensor([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype), params={**whole, "dim": 0})
    for op in ("torch.unique", "torch.unique_consecutive"):
        family.call(op, tensor([NAN, NAN, 1.0, 1.0, 0.0, -0.0, 1.0, NAN], F32), params=whole, num=[7])
        family.call(op, torch.tensor([[2, 1, 2], [1, 0, 1], [2, 1, 2]]), params={**whole, "dim": 0})
        family.call(op, torch.tensor([[2, 1, 2], [1, 0, 1], [2, 1, 2]]), params={**whole, "dim": -1})
        family.call(op, torch.tensor([[[1, 2], [3, 4]], [[1, 2], [0, 4]], [[1, 2], [3, 4]]]), params={**whole, "dim": 0})
        family.call(op, torch.tensor([3, 1, 3]))
        family.call(op, torch.tensor([3, 1, 3]), params={"return_inverse": True})
        family.call(op, torch.tensor([3, 1, 3]), params={"return_counts": True})
        family.call(op, torch.tensor(2.5), params=whole)
        for shape in ((0,), (0, 3), (2, 0, 3)):
            family.call(op, torch.zeros(shape), params=whole)
        family.call(op, torch.zeros(0, 3), params={**whole, "dim": 0})
        family.call(op, torch.zeros(2, 0, 3), params={**whole, "dim": 1})
        family.error(op, torch.zeros(0, 3), params={"dim": 1})
        family.error(op, torch.zeros(0, 0), params={"dim": 0})
        family.error(op, torch.tensor(2.5), params={"dim": 0})
        family.error(op, X, params={"dim": 2})
    family.call("torch.unique", torch.tensor([3, 1, 3]), False, True)
    family.call("torch.unique", tensor([[NAN, 1.0], [NAN, 1.0], [0.0, -0.0], [-0.0, 0.0]], F32), params={**whole, "dim": 0})


def places(family):
    op = "torch.searchsorted"
    line = tensor([1.0, 3.0, 3.0, 5.0], F32)
    values = tensor([[3.0, 0.0], [6.0, NAN]], F32)
    family.call(op, line, values)
    family.call(op, line, values, params={"side": "right", "out_int32": True})
    family.call(op, line, 3.5, params={"right": True})
    family.call(op, line, 3)
    family.call(op, line, torch.tensor([3, 0]))
    family.call(op, torch.tensor([1, 3]), 1.5)
    family.call(op, line, values.double(), params={"side": "left"})
    family.call(op, tensor([5.0, 1.0, 3.0], F32), tensor([3.0, 4.0], F32), params={"sorter": torch.tensor([1, 2, 0])})
    family.call(op, tensor([[5.0, 1.0], [0.0, 3.0]], F32), values, params={"sorter": torch.tensor([[1, 0], [0, 1]])})
    family.error(op, line, values, params={"side": "foo"})
    family.error(op, line, values, params={"side": "left", "right": True})
    family.error(op, line, values, params={"sorter": torch.tensor([1, 2])})
    family.error(op, line, values, params={"sorter": torch.tensor([0, 1, 2, 3], dtype=torch.int32)})
    family.error(op, line, values, params={"sorter": torch.tensor([0, 1, 2, 7])})
    family.error(op, line, values, params={"sorter": torch.tensor([0, 1, 2, -1])})
    family.error(op, values, line)
    family.error(op, values, 1.5)
    family.error(op, torch.tensor(1.0), values)
    family.error(op, torch.tensor([True]), torch.tensor([True]))
    op = "torch.bucketize"
    for dtype in ALL:
        if dtype is torch.bool:
            family.error(op, torch.tensor([True]), torch.tensor([False]))
        else:
            family.call(op, ordinary(dtype, [2, 3]), tensor([0, 1, 2, 2, 3], dtype))
    family.call(op, values, line, params={"right": True, "out_int32": True})
    family.call(op, values, torch.tensor([1, 2]))
    family.call(op, 3.5, line)
    family.call(op, 3, torch.tensor([1, 3]), params={"right": True})
    family.call(op, torch.zeros(0), line)
    family.error(op, values, values)
    family.error(op, values, torch.tensor(1.0))


def counts(family):
    op = "torch.bincount"
    for dtype in INTS:
        family.call(op, torch.tensor([0, 3, 3], dtype=dtype))
    for dtype in ALL:
        family.call(op, torch.tensor([0, 2, 2]), ordinary(dtype, [3]))
    family.call(op, torch.tensor([0, 3, 3]), params={"minlength": 6})
    family.call(op, torch.tensor([0, 3, 3]), params={"minlength": 2})
    family.call(op, torch.tensor([0, 1, 1]), tensor([1.5, NAN, 2.0], F32), 4)
    family.call(op, torch.zeros(0, dtype=torch.int64), params={"minlength": 3})
    family.call(op, torch.zeros(0, dtype=torch.int32), torch.zeros(0))
    family.error(op, torch.tensor([0, -1]))
    family.error(op, torch.tensor([[0, 1]]))
    family.error(op, torch.tensor(3))
    family.error(op, torch.tensor([0, 1]), params={"minlength": -1})
    family.error(op, torch.tensor([0, 1]), torch.ones(1))
    family.error(op, torch.tensor([0, 1]), torch.ones(1, 2))
    for dtype in (F32, torch.bool):
        family.error(op, torch.zeros(2, dtype=dtype))
    op = "torch.histc"
    x = tensor([[1.0, 2.0, 1.0, 5.0], [-1.0, 3.0, 0.0, 2.9]], F64)
    for dtype in FLOATS:
        family.call(op, x.to(dtype), 4, 0, 3)
        family.call(op, x.to(dtype), 7)
        family.call(op, x.to(dtype), params={"bins": 3, "min": -2.3, "max": 1.7})
    family.call(op, torch.ones(3), 4)
    family.call(op, torch.ones(3), 4, 1, 1)
    family.call(op, tensor([1.0, NAN, INF, 1.0], F32), 4, 0, 2)
    family.call(op, torch.zeros(0), 4)
    family.call(op, torch.tensor(2.5), 2)
    for args in ((0,), (-1,), (4, 2, 1), (4, 0, INF), (4, NAN, 3)):
        family.error(op, torch.ones(3), *args)
    family.error(op, tensor([1.0, NAN], F32), 4)
    for dtype in INTS + [torch.bool]:
        family.error(op, torch.ones(2, dtype=dtype), 4)
    op = "torch.isin"
    for dtype in ALL:
        if dtype is torch.bool:
            family.error(op, torch.tensor([True]), torch.tensor([True]))
        else:
            family.call(op, ordinary(dtype, [2, 5]), ordinary(dtype, [3], 2))
    family.call(op, X, tensor([[1.0, 2.0, NAN]], F64), params={"invert": True})
    family.call(op, X, tensor([], F64))
    family.call(op, X, tensor([NAN], F64), params={"invert": True})
    family.call(op, X, 3)
    family.call(op, X, 2.5, params={"invert": True})
    family.call(op, 3, torch.tensor([1, 3]))
    family.call(op, 2.0, torch.tensor([1, 3]))
    family.call(op, tensor([NAN, 0.0, -0.0, INF], F32), tensor([NAN, 0.0, INF], F32))
    family.call(op, torch.tensor([1, 2]), tensor([1.5, 2.0], F32))
    family.call(op, torch.arange(20.0), tensor([1.0, 3.0], F32), params={"assume_unique": True, "invert": True})
    family.call(op, torch.tensor(3), torch.tensor([1, 3]))
    family.call(op, torch.zeros(0, 2), torch.ones(3))


def record(_tables):
    family = Family("sorting")
    order(family)
    chosen(family)
    distinct(family)
    places(family)
    counts(family)
    return family
