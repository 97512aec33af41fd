"""Records what PyTorch answers to the cases: `python record.py` where PyTorch is installed."""

import json
import pathlib

import cases


def outcome(case, names):
    """What a case gives: its repr, or the exceptions of its class."""
    try:
        return {"value": repr(eval(case, names))}
    except Exception as error:
        known = ("LinAlgError", "_LinAlgError")
        classes = [c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins" or c.__name__ in known]
        return {"raises": [c.removeprefix("_") for c in classes if c not in ("object", "BaseException", "Exception")]}


def record(torch):
    """All cases."""
    names = {"torch": torch}
    exec(cases.SETUP, names)
    return {case: outcome(case, names) for case in cases.lines(cases.EXPRESSIONS) + cases.lines(cases.ERRORS)}


def model(torch):
    """The model that optimizers are tried on."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))


def step(torch, optimizer, net, n=3):
    """Some steps of training it."""
    for _ in range(n):
        optimizer.zero_grad()
        net(torch.ones(3, 4)).square().sum().backward()
        optimizer.step()


OPTIMIZERS = [
    ("SGD", {"lr": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
]


def trained(torch, name, options):
    """The first row of weights after three steps."""
    net = model(torch)
    step(torch, getattr(torch.optim, name)(net.parameters(), **options), net)
    return net[0].weight[0].tolist()


def shuffled(torch):
    """The order in which a loader takes five samples: twice with a generator of its own, once with the default one."""
    data = torch.utils.data
    pairs = data.TensorDataset(torch.arange(5))
    loader = data.DataLoader(pairs, batch_size=2, shuffle=True, generator=torch.Generator().manual_seed(0))
    orders = [[batch.tolist() for (batch,) in loader] for _ in range(2)]
    torch.manual_seed(0)
    return [*orders, [batch.tolist() for (batch,) in data.DataLoader(pairs, batch_size=5, shuffle=True)]]


def write_files(torch, folder):
    """Files of `torch.save`: one of tensors, one of a module, and one that would run a program."""
    import collections
    import os

    folder.mkdir(exist_ok=True)
    weight = torch.arange(6.0).reshape(2, 3)
    plain = {
        "state": collections.OrderedDict(weight=weight, view=weight.T),
        "epoch": 7,
        "parts": (torch.tensor([1.5, -2.0], dtype=torch.bfloat16), torch.tensor([True, False]), torch.tensor(2**40)),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    torch.save(plain, folder / "plain.pt")
    torch.save(torch.nn.Linear(1, 1), folder / "module.pt")

    class Evil:
        def __reduce__(self):
            return os.system, ("echo the file was run",)

    torch.save({"x": Evil()}, folder / "evil.pt")


if __name__ == "__main__":
    import torch

    recorded = {
        "torch": torch.__version__.split("+")[0],
        "cases": record(torch),
        "optimizers": [trained(torch, name, options) for name, options in OPTIMIZERS],
        "shuffled": shuffled(torch),
    }
    path = pathlib.Path(__file__).with_name("recorded.json")
    path.write_text(json.dumps(recorded, indent=1) + "\n")
    write_files(torch, path.with_name("data"))
    wrong = [c for c in cases.lines(cases.EXPRESSIONS) if "raises" in recorded["cases"][c]]
    wrong += [c for c in cases.lines(cases.ERRORS) if "value" in recorded["cases"][c]]
    print(f"{len(recorded['cases'])} cases recorded; of another kind than expected: {wrong}")
