"""Moving elements by index: gather, index_select, scatter, embedding; and sorting."""

import torch

from recorder import Family, Formula
from values import ALL, FLOATS, HALVES, INF, NAN, WIDE, ordinary, tensor

F32, F64 = torch.float32, torch.float64


def record(_tables):
    family = Family("index")
    picks = torch.tensor([[2, 0, 1], [1, 1, 0]])
    for dtype in ALL:
        x = ordinary(dtype, [3, 3])
        if dtype in FLOATS:
            x[0] = tensor([NAN, -0.0, INF], dtype)
        family.call("torch.gather", x, 0, picks, grad=dtype in WIDE)
        family.call("torch.gather", x, 1, picks, grad=dtype in WIDE)
        family.call("torch.index_select", x, 0, torch.tensor([2, 0, 0, 1]), grad=dtype in WIDE)
        family.call("torch.index_select", x, -1, torch.tensor([1, 1]))
        family.call("torch.nn.functional.embedding", torch.tensor([[2, 0], [1, 2]]), x, grad=dtype in WIDE)
        src = ordinary(dtype, [2, 3], 4)
        # One place is written once: of several, PyTorch leaves open which stays.
        family.call("torch.scatter", x, 0, torch.tensor([[2, 0, 1], [1, 1, 0]]), src, grad=dtype in WIDE)
        family.call("torch.scatter_add", x, 0, torch.tensor([[2, 0, 1], [2, 0, 0]]), src, grad=dtype in WIDE)
        family.call("torch.scatter_add", x, 1, torch.tensor([[2, 0, 1], [1, 1, 0]]), src)
        if dtype is torch.bool:
            continue
        for reduce in ("prod", "amax", "amin"):
            family.call("torch.scatter_reduce", x, 0, torch.tensor([[2, 0, 1], [2, 0, 0]]), src,
                        params={"reduce": reduce}, fn=scatter_reduce)
    last = ordinary(F32, [4])
    last[1] = 2.5
    family.call("torch.scatter", torch.zeros(3), 0, torch.tensor([1, 1, 2, 1]), last, out=tensor([0.0, last[3], last[2]], F32),
                why="the contract: of several values for one place the last in row-major order stays; PyTorch leaves it open")
    for dtype in HALVES:
        # Where every step is rounded a sum of halves ends at 2048, one of bf16 at 256.
        start, ones = torch.tensor([2048.0, 256.0, 1.0], dtype=dtype), torch.ones(300, dtype=dtype)
        family.call("torch.scatter_add", start, 0, torch.arange(300) % 3, ones, num=[37])
        family.call("torch.scatter_reduce", start, 0, torch.arange(6) % 3, torch.full((6,), 1.0078125, dtype=dtype),
                    params={"reduce": "prod"}, fn=scatter_reduce)
    x = ordinary(F32, [2, 1, 3, 2])
    family.call("torch.gather", x, 2, torch.tensor([[[[2, 0], [1, 1]]]]), grad=True)
    family.call("torch.index_select", x, 2, torch.tensor([2, 2, 0, 1]), grad=True)
    deep = ordinary(F32, [1, 2, 1, 3, 1, 2, 1])
    family.call("torch.index_select", deep, 3, torch.tensor([2, 0]))
    family.call("torch.gather", deep, 3, torch.ones(1, 2, 1, 2, 1, 2, 1, dtype=torch.int64))
    family.call("torch.gather", torch.ones(3), 0, torch.zeros(0, dtype=torch.int64))
    family.call("torch.gather", torch.tensor(2.5), 0, torch.tensor(0))
    family.call("torch.index_select", torch.ones(3, 2), 0, torch.zeros(0, dtype=torch.int64))
    family.call("torch.gather", ordinary(F64, [2, 3]), 1, torch.tensor([[0, 0], [2, 1]]), grad=True, grad2=True)
    family.error("torch.gather", torch.ones(3), 0, torch.tensor([0, 3]), num=[41])
    family.error("torch.gather", torch.ones(3), 0, torch.tensor([-1]), num=[41])
    family.error("torch.gather", torch.ones(3), 1, torch.tensor([0]), num=[41])
    family.error("torch.gather", torch.ones(3, 2), 0, torch.tensor([0]))
    family.error("torch.index_select", torch.ones(3), 0, torch.tensor([-1]), num=[41])
    family.error("torch.index_select", torch.ones(3), 0, torch.tensor([3]), num=[41])
    family.error("torch.scatter", torch.zeros(3), 0, torch.tensor([5]), torch.ones(1), num=[41])
    family.error("torch.scatter_add", torch.zeros(3), 0, torch.tensor([5]), torch.ones(1), num=[41])
    family.error("torch.nn.functional.embedding", torch.tensor([3]), torch.ones(3, 2), num=[41])
    return family


def scatter_reduce(x, dim, index, src, reduce):
    return torch.scatter_reduce(x, dim, index, src, reduce=reduce)


def record_sort(_tables):
    family = Family("sort")
    for dtype in ALL:
        x = ordinary(dtype, [2, 5])
        if dtype in FLOATS:
            x[0] = tensor([NAN, 1.0, -INF, INF, 1.0], dtype)
        for descending in (False, True):
            for dim in (0, 1):
                family.call("torch.sort", x, params={"dim": dim, "descending": descending, "stable": True},
                            fn=sort, num=[7])
        for largest in (True, False):
            if dtype is torch.bool:
                continue
            distinct = tensor([[3, 1, 4, 0, 5], [9, 2, 6, 8, 7]], dtype)
            family.call("torch.topk", distinct, 3, params={"dim": 1, "largest": largest, "sorted": True}, num=[7])
    family.call("torch.topk", tensor([1.0, NAN, 3.0, INF], F32), 2, params={"dim": 0, "largest": True, "sorted": True}, num=[7])
    family.call("torch.sort", torch.zeros(0), params={"dim": 0, "descending": False, "stable": True}, fn=sort)
    family.call("torch.sort", torch.tensor(1.5), params={"dim": 0, "descending": False, "stable": True}, fn=sort)
    family.call("torch.sort", torch.zeros(2, 0, 3), params={"dim": 2, "descending": True, "stable": True}, fn=sort)
    # 7: of equals the first, at lengths where an unstable sort would show.
    family.call("torch.sort", Formula(F32, [600], 7, 3, 11, 5, 1), params={"dim": 0, "descending": True, "stable": True},
                fn=sort, num=[7])
    select(family)
    search(family)
    return family


def select(family):
    """One element by its place in the order. Of equal ones PyTorch leaves the index open, so there are none."""
    for dtype in ALL:
        distinct = tensor([[3, 1, 4, 0, 5], [9, 2, 6, 8, 7]], dtype)
        for op, args in [("torch.kthvalue", (2,)), ("torch.median", ()), ("torch.nanmedian", ())]:
            if dtype is torch.bool:
                family.error(op, distinct, *args, params={"dim": 1})
                continue
            family.call(op, distinct, *args, params={"dim": 1, "keepdim": True})
            family.call(op, distinct, *args, params={"dim": 0})
    rows = tensor([[4.0, NAN, 3.0, 1.0], [1.0, -INF, INF, 0.5], [4.0, 1.0, 3.0, 2.0]], F32)
    for op, args in [("torch.kthvalue", (4,)), ("torch.kthvalue", (1,)), ("torch.median", ()), ("torch.nanmedian", ())]:
        family.call(op, rows, *args, params={"dim": 1}, grad=True, num=[7])
    for op, args in [("torch.kthvalue", (1,)), ("torch.median", ()), ("torch.nanmedian", ())]:
        family.error(op, torch.zeros(0, 3), *args, params={"dim": 0})
    family.call("torch.nanmedian", tensor([[4.0, NAN, 3.0, NAN], [NAN, NAN, NAN, 2.0]], F32), params={"dim": 1}, num=[7])
    family.call("torch.median", torch.tensor(2.5), params={"dim": -1})
    family.call("torch.kthvalue", torch.tensor(2.5), 1, params={"dim": 0})
    for k in (0, 4):
        family.error("torch.kthvalue", torch.zeros(2, 3), k, params={"dim": 1})
    family.error("torch.topk", torch.zeros(2, 3), 4, params={"dim": 1})


def search(family):
    op = "torch.searchsorted"
    for dtype in ALL:
        line = tensor([0, 1, 1, 1, 3, 5, 8], dtype)
        if dtype is torch.bool:
            family.error(op, line, line)
            continue
        for right in (False, True):
            values = tensor([[1, 0, 9], [4, 3, 2]], dtype)
            family.call(op, line, values, params={"right": right})
            lines = tensor([[1, 3, 3, 5], [0, 0, 2, 2]], dtype)
            family.call(op, lines, values, params={"right": right})
    for line in ([1.0, 3.0, 5.0, NAN], [1.0, NAN, NAN, NAN], [-INF, 0.0, INF], [5.0, 1.0, 4.0, 2.0, 3.0], []):
        family.call(op, tensor(line, F32), tensor([3.0, -INF, 6.0, NAN, INF, 1.0, -0.0], F32), params={"right": True})
        family.call(op, tensor(line, F32), tensor([3.0, -INF, 6.0, NAN, INF, 1.0, -0.0], F32), params={"right": False})
    family.call(op, tensor([1.0, 2.0], F32), torch.tensor(1.5), params={"right": False})
    family.call(op, tensor([1.0, 2.0], F32), torch.zeros(2, 0), params={"right": False})
    family.call(op, torch.zeros(2, 0), torch.zeros(2, 3), params={"right": False})
    family.call(op, Formula(torch.int64, [1000], 3, 0, 3000, 0, 1), torch.tensor([0, 1, 2, 1500, 1501, 2997, 2998, 4000]),
                params={"right": True})


def sort(x, dim, descending, stable):
    return torch.sort(x, dim=dim, descending=descending, stable=stable)
