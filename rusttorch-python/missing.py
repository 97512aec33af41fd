"""What of PyTorch's API is not there: compares the package with the names that PyTorch has, and writes `docs/python-missing.md`.

`python missing.py --record`, where PyTorch is installed, records its names in `names.json`.
"""

import argparse
import importlib
import json
import pathlib
import re
import textwrap

HERE = pathlib.Path(__file__).parent
NAMES = HERE / "names.json"
PAGE = HERE.parent / "docs" / "python-missing.md"

# The modules that are compared name by name; "Tensor" is the class.
MODULES = [
    "", "Tensor", "nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler", "linalg", "special", "fft",
    "autograd", "utils.data",
]

# What nobody looks for one by one, or what PyTorch has for devices, formats and compilers that are not there: one line each.
KINDS = [
    ("complex numbers", r"complex.*|bcomplex32|c(double|float|half)|(view_as_(real|complex)|imag|real|polar|angle|conj|conj_physical|resolve_(conj|neg)|is_conj|is_neg|cfloat|cdouble|chalf)_?"),
    ("Fourier transforms and windows", r"stft|istft|.*_window"),
    ("sparse tensors", r".*sparse.*|to_dense|dense_dim|ccol_indices|col_indices|crow_indices|row_indices|indices|values|coalesce|is_coalesced|smm|hspmm|sspaddmm|dsmm|hsmm|saddmm|spmm"),
    ("quantised tensors, dtypes below a byte and of 8-bit floats", r".*quanti.*|dequantize|q_.*|int_repr|fbgemm_.*|fake_.*|choose_qparams.*|qint.*|quint.*|qscheme|per_(channel|tensor)_.*|(u?int[1-7])|bits.*|bit|float8_.*|float4_.*|uint(16|32|64)|Q.*Storage|fused_moving_avg.*|rnn_.*_cell|qr_quant|int4.*"),
    ("copies of views (`*_copy`)", r".*_copy|unsafe_(chunk|split.*)"),
    ("other devices and libraries", r"(cudnn|miopen|mkldnn)_.*|.*_cuda.*|is_(cuda|cudnn|hip|ipu|maia|metal|mkldnn|mps|mtia|mtia|vulkan|xla|xpu|quantized)|cuda|hpu|ipu|mtia|xpu|is_vulkan_available|to_mkldnn|pin_memory|is_pinned|Stream|Event|AcceleratorError|OutOfMemoryError|get_device_module|record_stream|device_count|obsolete"),
    ("storages and types of old programs", r".*Storage|StorageBase|storage|storage_type|untyped_storage|typed_storage|(BFloat16|Bool|Byte|Char|Double|Float|Half|Int|Long|Short)Tensor|set_default_tensor_type|is_storage|set_|is_set_to|new"),
    ("compilers, symbols, functional transforms", r"compile|compiled_with.*|sym_.*|Sym.*|cond|while_loop|vmap|(Disable|classproperty|JIT|Fatal|import_ir|parse_|merge_type|fork|wait|autocast_|clear_autocast|is_autocast|set_autocast|get_autocast|autocast|GradScaler|prepare_multi|profiler_|unify_type|Tag|read_vitals|set_vital|vitals|cpp).*|get_file_path|functional_.*|init_num_threads|thread_safe_generator|reproducibility_notes|sparse_support_notes|tf32_notes|common_notes|has_torch_function.*|handle_torch_function|boolean_dispatch|assert_int_or_pair|BroadcastingList.*|AggregationType"),
    ("names of dimensions", r"(align_(as|tensors|to)|rename|rename_|names|refine_names|has_names)"),
]


def public(module, name):
    """The names of a module of PyTorch that its users call."""
    import types

    found = getattr(module, "__all__", None) if name else None
    if found is None:
        found = dir(module)
    keep = []
    for n in found:
        if n.startswith("_"):
            continue
        value = getattr(module, n, None)
        kind = type(value).__name__
        own = getattr(value, "__module__", None)
        foreign = isinstance(own, str) and not own.startswith("torch") and not isinstance(value, types.BuiltinFunctionType)
        internal = name == "" and kind in ("pybind11_type", "bool", "tuple", "_Ops", "_Classes", "OpOverloadPacket")
        constant = name and kind in ("str", "list", "tuple", "dict", "bool")
        inside = name and name != "Tensor" and n in ("Tensor", "DType", "ScalingType", "SwizzleType")
        if not (isinstance(value, types.ModuleType) or internal or constant or inside or (foreign and name != "Tensor")):
            keep.append(n)
    return sorted(keep)


def record():
    """Writes the names of the PyTorch that is installed."""
    import torch

    names = {"torch": torch.__version__.split("+")[0], "names": {}}
    for name in MODULES:
        module = torch.Tensor if name == "Tensor" else importlib.import_module(f"torch.{name}" if name else "torch")
        names["names"][name] = public(module, name)
    NAMES.write_text(json.dumps(names, indent=1) + "\n")


def here(name):
    """What this package has of that name; None where the module is missing."""
    import rusttorch

    if name == "Tensor":
        return rusttorch.Tensor
    try:
        return importlib.import_module(f"rusttorch.{name}" if name else "rusttorch")
    except ModuleNotFoundError:
        return None


def kind(name):
    """The kind that a missing name is one of; None for one to be listed."""
    return next((k for k, pattern in KINDS if re.fullmatch(pattern, name)), None)


def page():
    """The text of the page."""
    recorded = json.loads(NAMES.read_text())
    lines = [
        "# What of PyTorch's API the Python package does not have", "",
        f"`make python-missing` wrote this from the names of PyTorch {recorded['torch']} (`rusttorch-python/names.json`) and those of the package;",
        "a test keeps it current. A name that stands nowhere below is there. A method in place (`add_`) counts as a name of its own.", "",
        "| module | PyTorch's names | there | not there | of these by kind, below |", "|---|---:|---:|---:|---:|",
    ]
    sections, kinds = [], {}
    for module, names in recorded["names"].items():
        path = f"torch.{module}".rstrip(".")
        held = here(module)
        missing = [n for n in names if held is None or not hasattr(held, n)]
        listed = [n for n in missing if kind(n) is None]
        for n in missing:
            if kind(n) is not None:
                kinds.setdefault(kind(n), []).append(f"{path}.{n}".removeprefix("torch."))
        lines.append(f"| `{path}` | {len(names)} | {len(names) - len(missing)} | {len(missing)} | {len(missing) - len(listed)} |")
        if held is None:
            sections += [f"## `{path}`", "", "As a whole: " + ", ".join(f"`{n}`" for n in listed) + ".", ""]
        elif listed:
            sections += [f"## `{path}`", "", ", ".join(f"`{n}`" for n in listed) + ".", ""]
    sections += ["## By kind", ""]
    for title, _ in KINDS:
        if title in kinds:
            sections.append(f"- **{title}** ({len(kinds[title])}): " + ", ".join(f"`{n}`" for n in kinds[title]) + ".")
    text = lines + [""] + sections
    wrapped = [textwrap.fill(t, 140, subsequent_indent="  " if t.startswith("- ") else "", break_long_words=False, break_on_hyphens=False)
               if t[:1] in ("`", "-", "A") else t for t in text]
    return "\n".join(wrapped).rstrip("\n") + "\n"


def main():
    """Parses the arguments and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="record the names of the PyTorch that is installed instead")
    if parser.parse_args().record:
        record()
    else:
        PAGE.write_text(page())


if __name__ == "__main__":
    main()
