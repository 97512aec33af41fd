"""Modules made of modules."""

from operator import index

from .module import Module
from .parameter import Parameter


def _at(container, i, what="index"):
    i = index(i)
    n = len(container)
    if not -n <= i < n:
        raise IndexError(f"{what} {i} is out of range")
    return i % n


class Sequential(Module):
    """Modules one after another."""

    def __init__(self, *args):
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], dict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input):
        """The value of the last module."""
        for module in self._modules.values():
            input = module(input)
        return input

    def __getitem__(self, i):
        if isinstance(i, slice):
            return type(self)(dict([*self._modules.items()][i]))
        return [*self._modules.values()][_at(self, i)]

    def __setitem__(self, i, module):
        setattr(self, [*self._modules][_at(self, i)], module)

    def __delitem__(self, i):
        names = [*self._modules]
        for name in names[i] if isinstance(i, slice) else [names[_at(self, i)]]:
            del self._modules[name]
        self._renumber([*self._modules.values()])

    def _renumber(self, modules):
        self._modules.clear()
        self._modules.update((str(i), module) for i, module in enumerate(modules))

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def append(self, module):
        """Adds a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Adds modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, i, module):
        """Adds a module before the one of this number."""
        modules = [*self._modules.values()]
        modules.insert(i, module)
        self._renumber(modules)
        return self

    def pop(self, i):
        """Takes a module out."""
        module = self[i]
        del self[i]
        return module


class ModuleList(Module):
    """A list of modules."""

    def __init__(self, modules=None):
        super().__init__()
        self.extend(modules or ())

    def __getitem__(self, i):
        modules = [*self._modules.values()]
        return type(self)(modules[i]) if isinstance(i, slice) else modules[_at(self, i)]

    def __setitem__(self, i, module):
        setattr(self, str(_at(self, i)), module)

    def __delitem__(self, i):
        modules = [*self._modules.values()]
        del modules[i]
        self._renumber(modules)

    _renumber = Sequential._renumber
    __len__ = Sequential.__len__
    __iter__ = Sequential.__iter__
    append = Sequential.append
    extend = Sequential.extend
    insert = Sequential.insert
    pop = Sequential.pop

    def __iadd__(self, modules):
        return self.extend(modules)

    def __add__(self, other):
        return type(self)([*self, *other])


class ModuleDict(Module):
    """Modules by name."""

    def __init__(self, modules=None):
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def keys(self):
        """The names."""
        return self._modules.keys()

    def items(self):
        """Names and modules."""
        return self._modules.items()

    def values(self):
        """The modules."""
        return self._modules.values()

    def update(self, modules):
        """Adds modules by name."""
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module

    def pop(self, key):
        """Takes a module out."""
        return self._modules.pop(key)

    def clear(self):
        """Takes all modules out."""
        self._modules.clear()


class ParameterList(Module):
    """A list of parameters."""

    def __init__(self, values=None):
        super().__init__()
        self.extend(values or ())

    def __getitem__(self, i):
        values = [*self._parameters.values()]
        return type(self)(values[i]) if isinstance(i, slice) else values[_at(self, i)]

    def __setitem__(self, i, value):
        self._parameters[str(_at(self, i))] = _parameter(value)

    def __len__(self):
        return len(self._parameters)

    def __iter__(self):
        return iter(self._parameters.values())

    def append(self, value):
        """Adds a parameter at the end."""
        self.register_parameter(str(len(self)), _parameter(value))
        return self

    def extend(self, values):
        """Adds parameters at the end."""
        for value in values:
            self.append(value)
        return self

    def __iadd__(self, values):
        return self.extend(values)


class ParameterDict(Module):
    """Parameters by name."""

    def __init__(self, parameters=None):
        super().__init__()
        for key, value in (parameters or {}).items():
            self[key] = value

    def __getitem__(self, key):
        return self._parameters[key]

    def __setitem__(self, key, value):
        self.register_parameter(key, _parameter(value))

    def __delitem__(self, key):
        del self._parameters[key]

    def __len__(self):
        return len(self._parameters)

    def __iter__(self):
        return iter(self._parameters)

    def __contains__(self, key):
        return key in self._parameters

    def keys(self):
        """The names."""
        return self._parameters.keys()

    def items(self):
        """Names and parameters."""
        return self._parameters.items()

    def values(self):
        """The parameters."""
        return self._parameters.values()


def _parameter(value):
    return value if isinstance(value, Parameter) else Parameter(value)
