"""Losses, with reductions, weights, ignored targets and gradients."""

import warnings

import torch

from recorder import Family
from values import FLOATS, INF, NAN, ordinary, rough, tensor

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
                family.call(NN + name, x, t, params={**params, "reduction": reduction}, grad=True)
            wild = (tensor([INF, NAN, -INF, 1.0, 1e30], dtype), tensor([1.0, 1.0, -INF, NAN, -1e30], dtype))
            family.call(NN + name, *wild, params={**params, "reduction": "none"}, grad=True)
            family.call(NN + name, rough(dtype, [3, 41], 41), rough(dtype, [3, 41], 42), params=params)
        family.call(NN + name, rough(F32, [1, 2, 1, 3, 1, 2, 1], 43), rough(F32, [1, 2, 1, 3, 1, 2, 1], 44), params=params, grad=True)
        family.call(NN + name, torch.zeros(0, 3), torch.zeros(0, 3), params={**params, "reduction": "mean"}, num=[43])
        family.call(NN + name, torch.zeros(0, 3), torch.zeros(0, 3), params={**params, "reduction": "sum"})
        family.call(NN + name, torch.tensor(1.5), torch.tensor(0.25), params=params)
        family.call(NN + name, rough(F32, [2, 3], 54), rough(F32, [3], 55), params=params, grad=True)
        family.call(NN + name, rough(F64, [2, 1], 56), rough(F64, [3], 57), params={**params, "reduction": "sum"}, grad=True)
        family.error(NN + name, torch.zeros(3), torch.zeros(2), params=params)
        dtypes_of_pairs(family, NN + name, params)
    family.call(NN + "mse_loss", rough(F64, [5], 45), rough(F64, [5], 46), grad=True, grad2=True)
    family.call(NN + "smooth_l1_loss", rough(F64, [5], 45), rough(F64, [5], 46), grad=True, grad2=True)
    for beta in (-1.0, NAN):
        family.error(NN + "smooth_l1_loss", torch.zeros(2), torch.zeros(2), params={"beta": beta})
    family.call(NN + "smooth_l1_loss", tensor([0.0, 5.0, NAN, INF], F32), torch.zeros(4), params={"beta": INF, "reduction": "none"}, grad=True)
    weighted(family)


def dtypes_of_pairs(family, op, params):
    """Two dtypes promote; integers and bool are refused, or not."""
    x, t = torch.tensor([0, 1, 1, 3]), torch.tensor([1, 1, 0, 1])
    pairs = [(torch.float32, torch.float64), (torch.float16, torch.bfloat16), (torch.float16, torch.int64), (torch.int64, torch.float32),
             (torch.uint8, torch.float64), (torch.bool, torch.float32), (torch.float32, torch.bool)]
    for a, b in pairs:
        family.either(op, x.to(a), t.to(b), params=params, grad=True)
    for a, b in [(torch.int64, torch.int64), (torch.uint8, torch.uint8), (torch.int32, torch.uint8), (torch.bool, torch.bool)]:
        for reduction in REDUCTIONS:
            family.either(op, x.to(a), t.to(b), params={**params, "reduction": reduction})
    # Expanded first, so that a tensor without dimensions counts like any other.
    family.call(op, x.to(F32), torch.tensor(0.5, dtype=F64), params=params)


def weighted(family):
    """A weight an element."""
    for name in ("mse_loss", "l1_loss"):
        op = NN + name
        for dtype in FLOATS:
            for reduction in REDUCTIONS:
                family.call(op, rough(dtype, [2, 3], 60), rough(dtype, [3], 61), params={"reduction": reduction, "weight": rough(dtype, [2, 3], 62).abs()}, grad=True)
        x, t = torch.tensor([1, 2]), torch.tensor([3, 5])
        for reduction in REDUCTIONS:
            family.call(op, x, t, params={"weight": torch.tensor([1, 2]), "reduction": reduction})
        family.call(op, x.to(F32), t.to(F32), params={"weight": torch.tensor([0.5, 1.5], dtype=F64)})
        family.error(op, torch.zeros(2, 2), torch.zeros(2), params={"weight": torch.ones(2)})


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
            family.call(op, x, t, params={"reduction": reduction}, grad=True, num=[43], second=exact_epsilon)
            family.call(op, x, t, params={"weight": w, "reduction": reduction}, num=[43])
    x, t = tensor([0.25, 0.5, 0.9], F32), tensor([0.0, 1.0, 0.5], F32)
    for weight in (torch.tensor(2.0), torch.tensor([0.3]), tensor([0.1, 0.2, 0.3], F64), torch.tensor([1, 2, 3]), torch.tensor([True, False, True])):
        for reduction in REDUCTIONS:
            family.call(op, x, t, params={"weight": weight, "reduction": reduction}, grad=True)
    family.call(op, x.half(), t.half(), params={"weight": tensor([1.1, 1.1, 1.1], F32), "reduction": "none"}, grad=True)
    family.call(op, torch.full((2, 3), 0.5), torch.ones(2, 3), params={"weight": tensor([[1.0], [2.0]], F32)})
    for weight in (torch.ones(2, 3), torch.ones(2), torch.ones(1, 3)):
        family.error(op, x, t, params={"weight": weight})
    for a, b in [(F32, F64), (F32, torch.int64), (torch.int64, F32), (torch.bool, torch.bool), (torch.int64, torch.int64)]:
        family.error(op, torch.ones(2).to(a), torch.ones(2).to(b))
    family.error(op, torch.ones(3), torch.ones(1))
    for a, b in [(NAN, 0.5), (0.5, NAN), (0.5, 1.1), (0.5, -0.1), (INF, 0.5)]:
        family.error(op, torch.tensor([0.5, a]), torch.tensor([0.5, b]))
    family.call(op, torch.tensor(0.5), torch.tensor(1.0), grad=True)
    for reduction in REDUCTIONS:
        family.call(op, torch.zeros(0), torch.zeros(0), params={"reduction": reduction})
    family.call(op, tensor([-0.0, 1e-7], F32), tensor([0.5, 0.5], F32), params={"reduction": "none"}, grad=True)
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
            family.call(op, x, t, params={"reduction": reduction}, grad=True)
            family.call(op, x, t, params={"weight": w, "reduction": reduction}, grad=True, num=[42])
            family.call(op, x, torch.tensor([0, -100, 1, -100]), params={"reduction": reduction}, grad=True)
            family.call(op, x, t, params={"label_smoothing": 0.1, "reduction": reduction}, grad=True)
            family.call(op, x, torch.tensor([1, 2, 1, 2]), params={"weight": w, "ignore_index": 1, "label_smoothing": 0.2,
                        "reduction": reduction}, grad=True)
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
    classes_in_odd_places(family, op)
    odd_weights(family, op)
    probabilities(family, op)


def classes_in_odd_places(family, op):
    """Shapes and dtypes of the target."""
    logits = lambda shape: rough(F32, shape, 63)
    indices = lambda shape, dtype=torch.int64: torch.zeros(shape, dtype=dtype)
    for shape, target in [((3,), ()), ((3,), (1,)), ((1,), ()), ((1, 3), (1,)), ((0, 3), (0,)), ((0, 3, 2), (0, 2)), ((2, 3, 0), (2, 0)),
                          ((0, 0), (0,)), ((2, 1), (2,)), ((2, 3, 1, 2, 1), (2, 1, 2, 1))]:
        for reduction in REDUCTIONS:
            # PyTorch fails on the way back from a lone row with its target in brackets.
            family.call(op, logits(shape), indices(target), params={"reduction": reduction}, grad=len(shape) != len(target))
    for shape, target in [((), ()), ((3,), (2,)), ((3,), (3,)), ((3,), (0,)), ((3,), (1, 1)), ((2, 3), (1,)), ((2, 3), ()), ((2, 3), (3,)),
                          ((2, 3), (2, 1)), ((2, 3), (2, 3)), ((1, 3), ()), ((2, 3, 4), (2, 5)), ((2, 3, 4), (2,)), ((2, 3, 4), (1, 4)),
                          ((2, 3, 4), (2, 4, 1)), ((2, 3, 4, 5), (2, 20)), ((2, 3, 4, 5), (2, 5, 4)), ((2, 0), (2,)), ((0,), ())]:
        family.error(op, logits(shape), indices(target))
    family.error(op, torch.tensor(0.5), torch.tensor(0.5))
    for dtype in (torch.uint8, torch.int8, torch.int32, torch.bool, F32):
        family.either(op, logits((2, 3)), indices((2,), dtype), grad=True)
        family.either(op, logits((2, 3, 2)), indices((2, 2), dtype))
    u8 = torch.tensor([0, 255], dtype=torch.uint8)
    for smoothing in (0.0, 0.2):
        family.call(op, logits((2, 3)), u8, params={"ignore_index": 255, "label_smoothing": smoothing}, grad=True)
    family.error(op, torch.ones(2, 3, dtype=torch.int64), indices((2,)))
    family.error(op, torch.zeros(2, 3, 2), torch.tensor([[0, 3], [0, 0]]), num=[41])


def odd_weights(family, op):
    """Weights that are zero, wild, or of another shape or dtype, and rows that count for nothing."""
    x, t = rough(F32, [2, 3], 64), torch.tensor([0, 1])
    for weight in ([0.0, 0.0, 0.0], [0.0, 0.0, 5.0], [NAN, 1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, 1.0, INF]):
        for reduction in REDUCTIONS:
            for smoothing in (0.0, 0.2):
                family.call(op, x, t, params={"weight": torch.tensor(weight), "reduction": reduction, "label_smoothing": smoothing}, grad=True)
    rows = tensor([[0.0, -INF, 1.0], [NAN, 0.0, 1.0]], F32)
    for target in ([0, -100], [-100, -100]):
        for reduction in REDUCTIONS:
            for smoothing in (0.0, 0.2):
                family.call(op, rows, torch.tensor(target), params={"reduction": reduction, "label_smoothing": smoothing}, grad=True)
    family.call(op, x, torch.tensor([-100, 1]), params={"weight": torch.tensor([NAN, 1.0, 2.0])})
    for weight in (torch.ones(2), torch.ones(1, 3), torch.ones(()), torch.ones(3, dtype=F64), torch.ones(3, dtype=torch.int64)):
        family.error(op, x, t, params={"weight": weight})
        # Logits whose logarithms of probabilities no kernel rounds otherwise, for the result may be wider.
        family.either(op, torch.zeros(2, 3), torch.eye(3)[:2], params={"weight": weight})
    for smoothing in (-0.5, NAN, 1.0, 1.5):
        family.either(op, x, t, params={"label_smoothing": smoothing})


def probabilities(family, op):
    """A target of the shape of the input."""
    for dtype in FLOATS:
        x, t = rough(dtype, [2, 3], 65), rough(dtype, [2, 3], 66).softmax(1)
        for reduction in REDUCTIONS:
            for params in ({}, {"label_smoothing": 0.2}, {"weight": tensor([1.0, 0.5, 3.0], dtype)}):
                family.call(op, x, t, params={**params, "reduction": reduction}, grad=True)
    family.call(op, rough(F64, [2, 3], 67), rough(F64, [2, 3], 68), grad=True, grad2=True)
    for shape in ((3,), (2, 3, 2), (0, 3), (2, 0), (0,), (2, 3, 0)):
        for reduction in REDUCTIONS:
            family.call(op, rough(F32, shape, 69), rough(F32, shape, 70), params={"reduction": reduction}, grad=True)
    family.call(op, tensor([[0.0, -INF]], F32), tensor([[1.0, 0.0]], F32), params={"reduction": "none"})
    x = torch.zeros(2, 2, dtype=torch.float16)
    for dtype in (torch.bfloat16, F32, torch.bool, torch.int64):
        family.either(op, x, torch.eye(2).to(dtype))
    for ignore_index in (-101, -1, 0, 5):
        family.either(op, x, x, params={"ignore_index": ignore_index})
    family.error(op, x, x, params={"label_smoothing": 1.5})


def record(tables):
    # Of sizes that differ, on purpose.
    warnings.filterwarnings("ignore", message="Using a target size")
    family = Family("loss")
    elementwise(family)
    binary_cross_entropy(family)
    cross_entropy(family)
    seen = {case["op"] for case in family.cases}
    missing = [row["name"] for row in tables["loss"] if NN + row["name"] not in seen]
    assert not missing, f"losses without cases: {missing}"
    return family
