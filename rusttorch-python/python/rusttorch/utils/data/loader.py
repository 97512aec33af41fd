"""``DataLoader``: batches of a dataset, made on the thread that asks for them."""

from ..._functions import _ops, as_tensor
from ..._rusttorch import Tensor, float64, int64
from .dataset import IterableDataset, TensorDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler

_stack, _tensor, _empty = _ops["stack"], _ops["tensor"], _ops["empty"]


def default_convert(data):
    """Arrays within a sample as tensors."""
    if hasattr(data, "__array_interface__"):
        return as_tensor(data)
    if isinstance(data, dict):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, list):
        return [default_convert(item) for item in data]
    return data


def default_collate(batch):
    """Samples as one: tensors stacked, numbers as a tensor, and so within lists and dicts."""
    first = batch[0]
    if isinstance(first, Tensor):
        return _stack([*batch])
    if hasattr(first, "__array_interface__"):
        return _stack([as_tensor(item) for item in batch]) if first.ndim else as_tensor([item.item() for item in batch])
    if isinstance(first, bool):
        return _tensor([*batch])
    if isinstance(first, int):
        return _tensor([*batch], dtype=int64)
    if isinstance(first, float):
        return _tensor([*batch], dtype=float64)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, dict):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [default_collate([*part]) for part in zip(*batch)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first)}"
    )


class DataLoader:
    """Goes through a dataset in batches."""

    def __init__(
        self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0, collate_fn=None,
        pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None, multiprocessing_context=None, generator=None, *,
        prefetch_factor=None, persistent_workers=False, pin_memory_device="", in_order=True,
    ):
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if num_workers:
            raise NotImplementedError("DataLoader: num_workers is not there yet; batches are made by the calling thread")
        iterable = isinstance(dataset, IterableDataset)
        if iterable and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader with IterableDataset: expected no shuffle, sampler or batch_sampler option")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None and not iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None and not iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        self.num_workers, self.pin_memory, self.timeout = num_workers, pin_memory, timeout
        batched = batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if batched else default_convert)
        self._iterable = iterable

    def __iter__(self):
        # PyTorch draws a seed for workers whether there are some or not; so programs stay in step.
        _empty((), dtype=int64).random_(generator=self.generator)
        if self._iterable:
            return self._of_iterable()
        if self.batch_sampler is None:
            return (self.collate_fn(self.dataset[i]) for i in self.sampler)
        if isinstance(self.dataset, TensorDataset) and type(self.dataset) is TensorDataset and self.collate_fn is default_collate:
            # The rows of a batch by one call for each tensor.
            return ([t[batch] for t in self.dataset.tensors] for batch in self.batch_sampler)
        return (self.collate_fn([self.dataset[i] for i in batch]) for batch in self.batch_sampler)

    def _of_iterable(self):
        if self.batch_size is None:
            yield from map(self.collate_fn, self.dataset)
            return
        batch = []
        for sample in self.dataset:
            batch.append(sample)
            if len(batch) == self.batch_size:
                yield self.collate_fn(batch)
                batch = []
        if batch and not self.drop_last:
            yield self.collate_fn(batch)

    def __len__(self):
        if not self._iterable:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        n = len(self.dataset)
        if self.batch_size is None:
            return n
        whole, rest = divmod(n, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1
