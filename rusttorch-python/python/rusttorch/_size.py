"""``torch.Size``: the sizes of a tensor."""


class Size(tuple):
    """A tuple of sizes."""

    __slots__ = ()

    def numel(self):
        """How many elements a tensor of these sizes has."""
        n = 1
        for size in self:
            n *= size
        return n

    def __repr__(self):
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index):
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other):
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other):
        return Size(tuple(other) + tuple(self))

    def __reduce__(self):
        return Size, (tuple(self),)
