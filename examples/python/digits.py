"""Trains a classifier of handwritten digits and prints its accuracy on a fifth that training never saw.

The losses are those of the Rust example `digits`, digit for digit.

    python examples/python/digits.py --epochs 30 --seed 0
"""

import argparse
import csv
import pathlib
import time
from typing import NamedTuple

import rusttorch as torch
from rusttorch import nn
from rusttorch.utils.data import DataLoader, TensorDataset, random_split

DATA = pathlib.Path(__file__).parents[2] / "rusttorch" / "examples" / "digits" / "digits.csv"


class Part(NamedTuple):
    """Images `[n, 64]` and their digits `[n]`."""

    x: torch.Tensor
    y: torch.Tensor


def read(path: pathlib.Path) -> Part:
    """The pixels and the digits of a table with a header."""
    with open(path, newline="") as file:
        names, *rows = csv.reader(file)
    digit = names.index("digit")
    x = torch.tensor([[float(v) for i, v in enumerate(row) if i != digit] for row in rows])
    return Part(x, torch.tensor([int(float(row[digit])) for row in rows]))


def standardize(training: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of each column, in float64 on the way; a constant column has deviation 1."""
    x = training.double()
    lowest = x.amin(0)
    constant = lowest == x.amax(0)
    mean = torch.where(constant, lowest, x.mean(0))
    return mean.float(), x.std(0, correction=0).masked_fill(constant, 1.0).float()


@torch.no_grad()
def accuracy(model: nn.Module, part: Part) -> float:
    """The share of images whose most likely class is their digit."""
    return float((model(part.x).argmax(1) == part.y).double().mean())


def train(model: nn.Module, training: Part, validation: Part, epochs: int, generator: torch.Generator) -> list[float]:
    """The mean loss of every epoch."""
    # Smoothed labels keep so small a training part from being learnt by heart.
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    batches = DataLoader(TensorDataset(*training), batch_size=64, shuffle=True, generator=generator)
    losses = []
    for epoch in range(1, epochs + 1):
        total = 0.0
        for x, y in batches:
            loss = loss_of(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        losses.append(total / len(training.y))
        right = accuracy(model, validation)
        print(f"epoch {epoch:>3}/{epochs}  train loss {losses[-1]:.4f}  validation accuracy {right:.4f}")
    return losses


def main(arguments: list[str] | None = None) -> list[float]:
    """Parses the arguments, trains and tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30, help="how often the training part is gone through")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the initial parameters and the shuffling")
    parser.add_argument("--backend", help="the backend that computes")
    parser.add_argument("--data", type=pathlib.Path, default=DATA, help="the table of pixels and digits")
    chosen = parser.parse_args(arguments)
    if chosen.backend:
        torch.backends.set_default(chosen.backend)
    start = time.perf_counter()
    torch.manual_seed(chosen.seed)
    generator = torch.Generator().manual_seed(chosen.seed)
    table = read(chosen.data)
    rows = [torch.tensor(part.indices) for part in random_split(range(len(table.y)), [0.7, 0.1, 0.2], generator)]
    mean, deviation = standardize(table.x[rows[0]])
    training, validation, test = (Part((table.x[r] - mean) / deviation, table.y[r]) for r in rows)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    losses = train(model, training, validation, chosen.epochs, generator)
    seconds = time.perf_counter() - start
    print(f"test accuracy: {accuracy(model, test):.4f} (backend: {torch.backends.current()}, {seconds:.1f} s)")
    return losses


if __name__ == "__main__":
    main()
