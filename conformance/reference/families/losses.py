"""Losses, with reductions, weights, ignored targets and gradients."""

import torch

from recorder import Family
from values import FLOATS, INF, NAN, WIDE, ordinary, rough, tensor

F32, F64 = torch.float32, torch.float64
NN = "torch.nn.functional."
REDUCTIONS = ("none", "mean", "sum")


def elementwise(family):
    plain = [("mse_loss", {}), ("l1_loss", {}), ("smooth_l1_loss", {}), ("smooth_l1_loss", {"beta": 0.5}),
             ("smooth_l1_loss", {"beta": 0.0})]
    for name, params in plain:
        for dtype in FLOATS:
            # Differences of 0, at and about the end of the parabola, infinite and NaN.
            x = tensor([1.0, 2.0, -3.0, 0.5, 1.5, 0.25, 7.0, 0.0], dtype)
            t = tensor([1.0, 1.0, -1.5, 0.0, 1.0, -0.25, 6.5, -1.0], dtype)
            for reduction in REDUCTIONS:
                family.call(NN + name, x, t, params={**params, "reduction": reduction}, grad=dtype in WIDE)
            wild = (tensor([INF, NAN, -INF, 1.0, 1e30], dtype), tensor([1.0, 1.0, -INF, NAN, -1e30], dtype))
            family.call(NN + name, *wild, params={**params, "reduction": "none"})
            family.call(NN + name, rough(dtype, [3, 41], 41), rough(dtype, [3, 41], 42), params=params)
        family.call(NN + name, rough(F32, [1, 2, 1, 3, 1, 2, 1], 43), rough(F32, [1, 2, 1, 3, 1, 2, 1], 44), params=params, grad=True)
        family.call(NN + name, torch.zeros(0, 3), torch.zeros(0, 3), params={**params, "reduction": "mean"}, num=[43])
        family.call(NN + name, torch.zeros(0, 3), torch.zeros(0, 3), params={**params, "reduction": "sum"})
        family.call(NN + name, torch.tensor(1.5), torch.tensor(0.25), params=params)
    family.call(NN + "mse_loss", rough(F64, [5], 45), rough(F64, [5], 46), grad=True, grad2=True)


def exact_epsilon(grads):
    """At 0 and 1 the slope is the difference over 1e-12, which PyTorch holds as an f32."""
    ratio = float(torch.tensor(1e-12, dtype=F32)) / 1e-12
    return [torch.where((g.abs() > 1e10) & g.isfinite(), g * ratio, g) for g in grads]


def binary_cross_entropy(family):
    op = NN + "binary_cross_entropy"
    for dtype in FLOATS:
        x = tensor([0.5, 0.25, 0.9, 0.0, 1.0, 0.0, 1.0, 0.75], dtype)
        t = tensor([1.0, 0.0, 0.5, 1.0, 0.0, 0.0, 1.0, 0.25], dtype)
        w = tensor([1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 1.0, 0.0], dtype)
        for reduction in REDUCTIONS:
            family.call(op, x, t, params={"reduction": reduction}, grad=dtype in WIDE, num=[43], second=exact_epsilon)
            family.call(op, x, t, params={"weight": w, "reduction": reduction}, num=[43])
    # No gradients of gradients: PyTorch adds 1e-12 to their denominators.
    family.call(op, tensor([[0.3, 0.6], [0.2, 0.9]], F64), tensor([[0.0, 1.0], [0.5, 0.25]], F64), grad=True)
    family.error(op, tensor([1.1, 0.5], F32), tensor([1.0, 0.0], F32), num=[43])
    family.error(op, tensor([-0.1, 0.5], F32), tensor([1.0, 0.0], F32), num=[43])


def cross_entropy(family):
    op = NN + "cross_entropy"
    for dtype in FLOATS:
        x = rough(dtype, [4, 3], 47)
        t = torch.tensor([0, 2, 1, 2])
        w = tensor([1.0, 0.5, 3.0], dtype)
        for reduction in REDUCTIONS:
            family.call(op, x, t, params={"reduction": reduction}, grad=dtype in WIDE)
            family.call(op, x, t, params={"weight": w, "reduction": reduction}, grad=dtype in WIDE, num=[42])
            family.call(op, x, torch.tensor([0, -100, 1, -100]), params={"reduction": reduction}, grad=dtype in WIDE)
            family.call(op, x, t, params={"label_smoothing": 0.1, "reduction": reduction}, grad=dtype in WIDE)
            family.call(op, x, torch.tensor([1, 2, 1, 2]), params={"weight": w, "ignore_index": 1, "label_smoothing": 0.2,
                        "reduction": reduction}, grad=dtype in WIDE)
        family.call(op, rough(dtype, [2, 3, 2, 2], 48), torch.tensor([[[0, 1], [2, 0]], [[1, 1], [2, -100]]]),
                    params={"reduction": "none"})
    x = rough(F32, [2, 3, 2], 49)
    t = torch.tensor([[0, 2], [1, 0]])
    for reduction in REDUCTIONS:
        family.call(op, x, t, params={"reduction": reduction}, grad=True)
    family.call(op, rough(F32, [3], 50), torch.tensor(1), grad=True)
    family.call(op, tensor([[1.0, 0.0], [1.0, 0.0]], F32), torch.tensor([0, 1]), params={"weight": tensor([1.0, 3.0], F32)}, num=[42])
    for reduction in REDUCTIONS:
        family.call(op, ordinary(F32, [2, 3]), torch.tensor([-100, -100]), params={"reduction": reduction}, num=[42])
    family.call(op, tensor([[0.0, -INF, -INF]], F32), torch.tensor([0]), num=[42])
    family.call(op, tensor([[0.0, -INF, 1.0]], F32), torch.tensor([1]), num=[42])
    family.call(op, tensor([[1000.0, 0.0, -1000.0]], F32), torch.tensor([1]), grad=True, num=[33])
    family.call(op, tensor([[0.0, 0.0]], F32), tensor([[0.5, 0.5]], F32), num=[42])
    family.call(op, rough(F64, [2, 3], 51), torch.tensor([2, 0]), grad=True, grad2=True)
    family.error(op, torch.zeros(2, 3), torch.tensor([0, 3]), num=[41])
    family.error(op, torch.zeros(2, 3), torch.tensor([-1, 0]), num=[41])
    family.error(op, torch.zeros(2, 3), torch.tensor([0, 1, 2]))


def record(tables):
    family = Family("loss")
    elementwise(family)
    binary_cross_entropy(family)
    cross_entropy(family)
    seen = {case["op"] for case in family.cases}
    missing = [row["name"] for row in tables["loss"] if NN + row["name"] not in seen]
    assert not missing, f"losses without cases: {missing}"
    return family
