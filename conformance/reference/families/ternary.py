"""Ops of three operands: addcmul, addcdiv, lerp, clamp, where."""

import torch

from recorder import Family
from values import ALL, FLOATS, INF, INTS, NAN, WIDE, edges, ordinary, rough, tensor


def triples(dtype):
    """Three tensors of the same length that meet in every special way."""
    sub, _, tiny, top = edges(dtype)
    a = [1.0, -2.0, 0.5, INF, -INF, NAN, 1.0, 1.0, 0.0, -0.0, top, tiny, 3.0, -3.0, 1.0, 2.5]
    b = [2.0, 3.0, -1.5, 1.0, INF, 1.0, NAN, 2.0, 0.0, -0.0, top, sub, -3.0, INF, 0.0, 2.5]
    c = [0.5, -1.0, 4.0, -1.0, 2.0, 1.0, 1.0, NAN, -1.0, 1.0, 2.0, 2.0, 1 / 3, 0.5, 0.0, 2.5]
    return [tensor(v, dtype) for v in (a, b, c)]


def fused(family):
    for dtype in FLOATS:
        for value in (1, -0.5, 3):
            for op in ("torch.addcmul", "torch.addcdiv"):
                family.call(op, *triples(dtype), params={"value": value})
                family.call(op, rough(dtype, [9], 3), rough(dtype, [9], 4), rough(dtype, [9], 5), params={"value": value})
    for dtype in INTS:
        low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
        a = tensor([low, high, 0, 1, 2, high], dtype)
        b = tensor([1, 1, 3, high, 5, 2], dtype)
        c = tensor([high, 1, 4, high, low, 2], dtype)
        for value in (1, 3):
            family.call("torch.addcmul", a, b, c, params={"value": value}, num=[22])
    family.error("torch.addcdiv", *(torch.tensor([1, 2]),) * 3)
    for op in ("torch.addcmul", "torch.addcdiv"):
        for dtype in WIDE:
            x = [ordinary(dtype, s, i).abs() + 0.5 for i, s in enumerate([(2, 3), (3,), (2, 1)])]
            family.call(op, *x, params={"value": 0.5}, grad=True)
        x = [ordinary(torch.float64, [4], i).abs() + 0.5 for i in range(3)]
        family.call(op, *x, params={"value": 0.5}, grad=True, grad2=True)
        family.call(op, *(tensor(v, torch.float32) for v in (1.5, 2.0, 4.0)))
        family.call(op, *(ordinary(torch.float32, [0, 2], i) for i in range(3)))


def lerp(family):
    for dtype in FLOATS:
        # Weights on both sides of 0.5, where PyTorch starts from the other end.
        start, end, weight = (rough(dtype, [9], s) for s in (6, 7, 8))
        weight[:5] = tensor([0.0, 0.5, 1.0, 0.49, 0.51], dtype)
        family.call("torch.lerp", start, end, weight)
        family.call("torch.lerp", *triples(dtype))
        for w in (0.25, 0.75, 2):
            family.call("torch.lerp", start, end, w, grad=dtype in WIDE)
    for dtype in WIDE:
        family.call("torch.lerp", rough(dtype, [2, 3], 6), rough(dtype, [3], 7), rough(dtype, [2, 1], 8), grad=True)
    x = [rough(torch.float64, [4], i) for i in range(3)]
    family.call("torch.lerp", *x, grad=True, grad2=True)
    family.error("torch.lerp", *(torch.tensor([1, 2]),) * 3)


def clamp(family):
    for dtype in FLOATS + INTS:
        if dtype in FLOATS:
            x, low, high = triples(dtype)
        else:
            info = torch.iinfo(dtype)
            x = tensor([info.min, info.max, 0, 1, 5, 7, 3], dtype)
            low = tensor([0, 0, 2, 2, 2, 9, 3], dtype)
            high = tensor([info.max, 9, 9, 1, 3, 8, 3], dtype)
        family.call("torch.clamp", x, low, high, num=[5])
        family.call("torch.clamp", x, params={"min": low})
        family.call("torch.clamp", x, params={"max": high})
        for ends in ({"min": 1, "max": 3}, {"min": 2}, {"max": 2}, {"min": 3, "max": 1}):
            family.call("torch.clamp", x, params=ends, num=[5, 45], grad=dtype in WIDE)
    f = torch.float32
    family.call("torch.clamp", tensor([2.0, NAN, -1.0], f), params={"min": NAN}, num=[5])
    family.call("torch.clamp", torch.tensor([1, 2, 3, 4]), params={"max": 2.5}, num=[39])
    family.call("torch.clamp", torch.tensor([1, 2, 3, 4], dtype=torch.uint8), params={"min": 1.5, "max": 2.5}, num=[39])
    for dtype in WIDE:
        # Ends and their neighbours: the gradient at an end is 0 in 2.15 (45).
        x = tensor([-2.0, -1.0, -0.5, 1.0, 1.5, NAN, INF, -1.0000001, 1.0000001], dtype)
        family.call("torch.clamp", x, params={"min": -1.0, "max": 1.0}, grad=True, num=[45])
        low, high = tensor([-1.0, 0.0, 2.0], dtype), tensor([1.0, 0.0, 1.0], dtype)
        family.call("torch.clamp", tensor([[-1.0, 0.0, 3.0], [0.5, 1.0, 1.0]], dtype), low, high, grad=True, num=[45])
    family.error("torch.clamp", tensor([1.0], f))
    family.error("torch.clamp", torch.tensor([True]), params={"min": True})


def where(family):
    for dtype in ALL:
        condition = torch.tensor([True, False, True, False, False, True])
        a, b = ordinary(dtype, [6]), ordinary(dtype, [6], 4)
        if dtype in FLOATS:
            # What is not chosen has no say, and signs of zero survive.
            a = tensor([1.0, NAN, -0.0, INF, 2.0, NAN], dtype)
            b = tensor([NAN, 2.0, NAN, -0.0, INF, 0.0], dtype)
        family.call("torch.where", condition, a, b, grad=dtype in WIDE)
    c, x = torch.tensor([[True], [False]]), ordinary(torch.float32, [3])
    family.call("torch.where", c, x, ordinary(torch.float32, [2, 3], 2), grad=True)
    family.call("torch.where", c, x, 2.5)
    family.call("torch.where", c, torch.tensor([1, 2, 3]), 2.5)
    family.call("torch.where", c, torch.tensor([1, 2, 3], dtype=torch.int16), torch.tensor(1.5, dtype=torch.float64))
    family.call("torch.where", torch.tensor(True), tensor(1.0, torch.float64), tensor(2.0, torch.float64))
    family.call("torch.where", torch.zeros(0, 3, dtype=torch.bool), torch.ones(0, 3), torch.ones(3))
    family.call("torch.where", ordinary(torch.bool, [1, 2, 1, 3, 1, 2, 1]), ordinary(torch.float32, [2, 1]),
                ordinary(torch.float32, [1, 2, 1, 3, 1, 2, 1]))
    family.error("torch.where", c, torch.ones(3), torch.ones(4), num=[40])


def record(_tables):
    family = Family("ternary")
    fused(family)
    lerp(family)
    clamp(family)
    where(family)
    return family
