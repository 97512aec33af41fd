"""Views as algebra: index tensors prove the order, floats the gradient. And joining tensors."""

import torch

from recorder import Family
from values import ALL, ordinary, rough

A = [
    ("narrow", [4, 3], dict(dim=0, start=1, length=2)), ("narrow", [4, 3], dict(dim=-1, start=-2, length=2)),
    ("narrow", [4, 3], dict(dim=0, start=4, length=0)), ("narrow", [2, 1, 3, 2], dict(dim=2, start=1, length=1)),
    ("select", [4, 3], dict(dim=0, index=2)), ("select", [4, 3], dict(dim=1, index=-1)), ("select", [3], dict(dim=0, index=1)),
    ("transpose", [2, 3], dict(dim0=0, dim1=1)), ("transpose", [2, 3, 4], dict(dim0=-1, dim1=0)),
    ("transpose", [], dict(dim0=0, dim1=-1)),
    ("permute", [2, 3, 4], dict(dims=[2, 0, 1])), ("permute", [2, 3, 4], dict(dims=[-1, 1, 0])), ("permute", [], dict(dims=[])),
    ("permute", [1, 2, 1, 3, 1, 2, 1], dict(dims=[6, 3, 0, 5, 2, 1, 4])),
    ("reshape", [2, 6], dict(shape=[3, 4])), ("reshape", [2, 6], dict(shape=[-1])), ("reshape", [2, 6], dict(shape=[2, -1, 3])),
    ("reshape", [], dict(shape=[1, 1])), ("reshape", [1], dict(shape=[])), ("reshape", [0, 3], dict(shape=[3, 0])),
    ("reshape", [2, 0], dict(shape=[0, 5])), ("reshape", [1, 2, 1, 3, 1, 2, 1], dict(shape=[6, 2])),
    ("expand", [3, 1], dict(size=[3, 4])), ("expand", [3, 1], dict(size=[2, -1, 4])), ("expand", [], dict(size=[2, 2])),
    ("expand", [1], dict(size=[0])),
    ("squeeze", [2, 1, 3, 1], dict()), ("squeeze", [2, 1, 3, 1], dict(dim=1)), ("squeeze", [2, 1, 3, 1], dict(dim=0)),
    ("squeeze", [2, 1, 3, 1], dict(dim=-1)),
    ("unsqueeze", [2, 3], dict(dim=0)), ("unsqueeze", [2, 3], dict(dim=-1)), ("unsqueeze", [2, 3], dict(dim=1)),
    ("unsqueeze", [], dict(dim=0)),
    ("flip", [2, 3], dict(dims=[0])), ("flip", [2, 3], dict(dims=[0, -1])), ("flip", [2, 1, 3, 2], dict(dims=[2])),
    ("unfold", [7], dict(dimension=0, size=3, step=2)), ("unfold", [2, 5], dict(dimension=1, size=2, step=1)),
    ("unfold", [4, 3], dict(dimension=0, size=2, step=2)),
    ("diagonal", [3, 4], dict(offset=0, dim1=0, dim2=1)), ("diagonal", [3, 4], dict(offset=1, dim1=0, dim2=1)),
    ("diagonal", [3, 4], dict(offset=-2, dim1=0, dim2=1)), ("diagonal", [2, 3, 4], dict(offset=0, dim1=-1, dim2=0)),
    ("diagonal", [3, 4], dict(offset=5, dim1=0, dim2=1)),
    ("flatten", [2, 3, 4], dict(start_dim=1)), ("flatten", [2, 3, 4], dict()), ("flatten", [], dict()),
]
# Python's start:stop:step along a dim; None is an open end.
SLICES = [
    ([7], 0, 1, 6, 2), ([7], 0, None, None, 3), ([7], 0, -5, -1, 1), ([7], 0, 5, 2, 1), ([7], 0, -100, 100, 1),
    ([4, 5], 1, 1, None, 2), ([4, 5], 0, None, -1, 1), ([2, 1, 3, 2], 2, 1, 3, 1),
]
REFUSED = [
    ("narrow", [4, 3], dict(dim=2, start=0, length=1)), ("narrow", [4, 3], dict(dim=0, start=3, length=2)),
    ("narrow", [4, 3], dict(dim=0, start=5, length=0)), ("narrow", [], dict(dim=0, start=0, length=0)),
    ("select", [4, 3], dict(dim=0, index=4)), ("select", [4, 3], dict(dim=0, index=-5)), ("select", [], dict(dim=0, index=0)),
    ("transpose", [2, 3], dict(dim0=0, dim1=2)), ("permute", [2, 3], dict(dims=[0])), ("permute", [2, 3], dict(dims=[0, 0])),
    ("permute", [2, 3], dict(dims=[0, 2])), ("reshape", [2, 3], dict(shape=[4])), ("reshape", [2, 3], dict(shape=[-1, 4])),
    ("reshape", [0], dict(shape=[-1, 0])), ("reshape", [2, 3], dict(shape=[-1, -1])), ("reshape", [2, 3], dict(shape=[-2, 3])),
    ("expand", [3], dict(size=[4])), ("expand", [2, 3], dict(size=[3])), ("expand", [3], dict(size=[-1, 3])),
    ("unsqueeze", [2], dict(dim=2)), ("squeeze", [2], dict(dim=1)), ("flip", [2], dict(dims=[1])), ("flip", [2], dict(dims=[0, 0])),
    ("unfold", [3], dict(dimension=0, size=4, step=1)), ("unfold", [3], dict(dimension=0, size=2, step=0)),
    ("diagonal", [3, 3], dict(offset=0, dim1=0, dim2=0)), ("diagonal", [3], dict(offset=0, dim1=0, dim2=1)),
]

NUMERICS = {"reshape": [40], "expand": [40], "select": [41]}


def index_tensor(shape):
    n = 1
    for size in shape:
        n *= size
    return torch.arange(n).reshape(shape)


def record(_tables):
    family = Family("views")
    for name, shape, params in A:
        op = f"torch.Tensor.{name}"
        family.call(op, index_tensor(shape), params=params)
        family.call(op, ordinary(torch.float32, shape), params=params, grad=True)
    for shape, dim, start, stop, step in SLICES:
        index = (slice(None),) * dim + (slice(start, stop, step),)
        family.call("torch.Tensor.__getitem__", index_tensor(shape), index)
        family.call("torch.Tensor.__getitem__", ordinary(torch.float32, shape), index, grad=True)
    family.call("torch.Tensor.unfold", rough(torch.float64, [5], 1), params=dict(dimension=0, size=3, step=1), grad=True, grad2=True)
    for name, shape, params in REFUSED:
        family.error(f"torch.Tensor.{name}", index_tensor(shape), params=params, num=NUMERICS.get(name))
    return family


def record_join(_tables):
    family = Family("join")
    for dtype in ALL:
        parts = [ordinary(dtype, [2, 3]), ordinary(dtype, [1, 3], 2), ordinary(dtype, [2, 3], 5)]
        family.call("torch.cat", parts, params={"dim": 0})
        family.call("torch.stack", [parts[0], parts[2]], params={"dim": 1})
    f = torch.float32
    for dim in (0, 1, -1):
        family.call("torch.cat", [index_tensor([2, 3]), index_tensor([2, 3]) + 10], params={"dim": dim})
    for dim in (0, 1, 2, -1):
        family.call("torch.stack", [index_tensor([2, 3]), index_tensor([2, 3]) + 10], params={"dim": dim})
    family.call("torch.cat", [torch.zeros(0), torch.ones(2, 3)], params={"dim": 0})
    family.call("torch.cat", [torch.ones(2, 0), torch.ones(2, 3)], params={"dim": 1})
    family.call("torch.cat", [torch.tensor([1, 2]), torch.tensor([1.5]), torch.tensor([True])], params={"dim": 0}, num=[39])
    family.call("torch.stack", [torch.tensor(1.0), torch.tensor(2.0)], params={"dim": 0})
    family.call("torch.cat", [ordinary(f, [1, 2, 1, 3, 1, 2, 1])] * 2, params={"dim": 3})
    for op, dim in (("cat", 1), ("stack", 1)):
        x, y = ordinary(torch.float64, [2, 3]), ordinary(torch.float64, [2, 3], 3)
        family.call(f"torch.{op}", [x, y], params={"dim": dim}, grad=True)
    family.error("torch.cat", [torch.ones(2, 3), torch.ones(2, 4)], params={"dim": 0})
    family.error("torch.cat", [torch.ones(2, 3), torch.ones(3)], params={"dim": 0})
    family.error("torch.cat", [torch.ones(2)], params={"dim": 1})
    family.error("torch.cat", [], params={"dim": 0})
    family.error("torch.stack", [torch.ones(2), torch.ones(3)], params={"dim": 0})
    family.error("torch.stack", [], params={"dim": 0})
    return family
