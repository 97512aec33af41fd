"""Layers: normalisation, convolution, pooling, attention."""

import torch

from recorder import Family
from values import FLOATS, INF, NAN, WIDE, ordinary, rough, tensor

F32, F64 = torch.float32, torch.float64
NN = "torch.nn.functional."


def record_norm(_tables):
    family = Family("norm")
    for dtype in FLOATS:
        x, w, b = rough(dtype, [3, 5], 61), rough(dtype, [5], 62), rough(dtype, [5], 63)
        family.call(NN + "layer_norm", x, [5], w, b, 1e-5)
        family.call(NN + "layer_norm", x, [5], None, None, 1e-3)
        family.call(NN + "layer_norm", rough(dtype, [2, 2, 3], 64), [2, 3], None, None, 1e-5)
        family.call(NN + "rms_norm", x, [5], w, 1e-5)
        family.call(NN + "rms_norm", x, [5], None, 1e-3)
        if dtype in WIDE:
            # In training: statistics over the batch and the places.
            family.call(NN + "batch_norm", rough(dtype, [2, 3, 4], 65), w[:3].clone(), b[:3].clone(), 1e-5, fn=batch_norm)
    family.call(NN + "layer_norm", tensor([[2.0, 2.0, 2.0], [1e4, 1e4 + 1, 1e4 + 2]], F32), [3], None, None, 1e-5, num=[16])
    family.call(NN + "layer_norm", tensor([[1.0, NAN, 2.0], [INF, 1.0, 2.0]], F32), [3], None, None, 1e-5)
    family.call(NN + "layer_norm", torch.zeros(0, 3), [3], None, None, 1e-5)
    return family


def batch_norm(x, weight, bias, eps):
    return torch.nn.functional.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


def record_conv(_tables):
    family = Family("conv")
    for dtype in FLOATS:
        family.call(NN + "conv2d", rough(dtype, [1, 2, 5, 4], 66), rough(dtype, [3, 2, 3, 2], 67), rough(dtype, [3], 68),
                    [1, 1], [1, 0], [1, 1], 1)
    cases = [
        ("conv1d", [2, 3, 7], [4, 3, 3], [4], [2], [1], [1], 1), ("conv1d", [1, 4, 6], [4, 2, 2], None, [1], [0], [2], 2),
        ("conv2d", [2, 4, 5, 5], [6, 2, 3, 3], [6], [2, 1], [1, 2], [1, 2], 2),
        ("conv2d", [1, 3, 4, 4], [3, 1, 2, 2], None, [1, 1], [0, 0], [1, 1], 3),
        ("conv2d", [0, 2, 4, 4], [3, 2, 2, 2], [3], [1, 1], [0, 0], [1, 1], 1),
        ("conv3d", [1, 2, 3, 4, 3], [2, 2, 2, 2, 2], [2], [1, 2, 1], [1, 0, 1], [1, 1, 1], 1),
        ("conv1d", [1, 1, 1], [1, 1, 1], [1], [1], [0], [1], 1),
    ]
    for name, x, w, b, stride, padding, dilation, groups in cases:
        for dtype in WIDE:
            bias = None if b is None else rough(dtype, b, 71)
            family.call(NN + name, rough(dtype, x, 69), rough(dtype, w, 70), bias, stride, padding, dilation, groups)
    family.call(NN + "conv1d", tensor([[[0.0, INF, 1.0, NAN]]], F32), tensor([[[0.0, 1.0]]], F32), None, [1], [1], [1], 1, num=[8])
    return family


def record_pool(_tables):
    family = Family("pool")
    for kind in ("max", "avg"):
        for dtype in FLOATS:
            family.call(NN + f"{kind}_pool2d", rough(dtype, [1, 2, 5, 4], 72), [2, 2], [2, 1], [1, 1])
        for dtype in WIDE:
            family.call(NN + f"{kind}_pool1d", rough(dtype, [2, 3, 7], 73), [3], [2], [1])
            family.call(NN + f"{kind}_pool1d", rough(dtype, [2, 3, 7], 73), [2], [2], [0])
            family.call(NN + f"{kind}_pool3d", rough(dtype, [1, 1, 3, 4, 4], 74), [2, 2, 3], [1, 2, 1], [0, 1, 1])
        family.call(NN + f"{kind}_pool1d", tensor([[[1.0, NAN, 3.0, -INF, -INF, INF]]], F32), [2], [2], [0], num=[1])
        family.call(NN + f"{kind}_pool1d", tensor([[[-INF, -INF, -3.0, -5.0]]], F32), [2], [1], [1])
        family.call(NN + f"{kind}_pool2d", torch.zeros(0, 2, 4, 4), [2, 2], [2, 2], [0, 0])
    return family


def record_attention(_tables):
    family = Family("attention")
    op = NN + "scaled_dot_product_attention"
    for dtype in FLOATS:
        q, k, v = rough(dtype, [2, 3, 4], 75), rough(dtype, [2, 5, 4], 76), rough(dtype, [2, 5, 6], 77)
        family.call(op, q, k, v, None, params={"scale": 0.5}, fn=attention)
        mask = rough(dtype, [2, 3, 5], 78)
        mask[0, 1, 2:] = -INF
        family.call(op, q, k, v, mask, params={"scale": 0.5}, fn=attention)
        mask[1, 2] = -INF
        family.call(op, q, k, v, mask, params={"scale": 0.25}, fn=attention, num=[33])
    family.call(op, rough(F32, [1, 2, 1, 3], 79), rough(F32, [1, 2, 2, 3], 80), rough(F32, [1, 2, 2, 3], 81), None,
                params={"scale": 1.0}, fn=attention)
    return family


def attention(q, k, v, mask, scale):
    # The plain kernel: the fused one's rounding depends on block sizes.
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
