"""Trajectories of optimizers: the parameters after each step, for given gradients. numerics.md 46 and 47."""

import torch

from recorder import Family
from values import WIDE, rough, tensor

SGD = [
    (dict(lr=0.1), None), (dict(lr=0.1, momentum=0.9), 46), (dict(lr=0.1, momentum=0.9, dampening=0.5), 46),
    (dict(lr=0.1, momentum=0.9, nesterov=True), 46), (dict(lr=0.1, weight_decay=0.1), 46),
    (dict(lr=0.1, momentum=0.9, weight_decay=0.1), 46), (dict(lr=0.05, momentum=0.5, dampening=0.1, weight_decay=0.01), None),
]
ADAM = [
    ("Adam", dict(lr=0.1), 47), ("Adam", dict(lr=0.1, eps=1.0), 47), ("Adam", dict(lr=0.1, weight_decay=0.1), 47),
    ("Adam", dict(lr=0.01, betas=[0.8, 0.95], eps=1e-6, weight_decay=0.01), None), ("AdamW", dict(lr=0.1, weight_decay=0.1), 47),
    ("AdamW", dict(lr=0.01, betas=[0.8, 0.95]), None),
]


def trajectory(name):
    def run(start, *grads, **params):
        param = start.clone().requires_grad_()
        params = {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
        optimizer = getattr(torch.optim, name)([param], foreach=False, **params)
        out = []
        for grad in grads:
            param.grad = grad.clone()
            optimizer.step()
            out.append(param.detach().clone())
        return out
    return run


def record(_tables):
    family = Family("optimizer")
    for name, params, num in [("SGD", *rest) for rest in SGD] + ADAM:
        op = f"torch.optim.{name}"
        for dtype in WIDE:
            one, half = tensor([1.0], dtype), tensor([0.5], dtype)
            family.call(op, one, half, half, half, params=params, fn=trajectory(name), num=[num] if num else None)
            # Changing gradients, one of them zero.
            start = rough(dtype, [2, 3], 91)
            grads = [rough(dtype, [2, 3], 92 + i) for i in range(4)]
            grads[1] = torch.zeros_like(start)
            family.call(op, start, *grads, params=params, fn=trajectory(name))
        if not params.get("weight_decay"):
            zero = torch.zeros(2)
            if name != "AdamW":
                family.call(op, tensor([1.0, -2.0], torch.float32), zero, zero, params=params, fn=trajectory(name), num=[47])
    family.error("torch.optim.SGD", tensor([1.0], torch.float32), tensor([0.5], torch.float32),
                 params=dict(lr=0.1, nesterov=True), fn=trajectory("SGD"), num=[46])
    family.error("torch.optim.SGD", tensor([1.0], torch.float32), tensor([0.5], torch.float32),
                 params=dict(lr=-0.1), fn=trajectory("SGD"))
    family.error("torch.optim.Adam", tensor([1.0], torch.float32), tensor([0.5], torch.float32),
                 params=dict(lr=0.1, betas=[1.0, 0.9]), fn=trajectory("Adam"))
    return family
