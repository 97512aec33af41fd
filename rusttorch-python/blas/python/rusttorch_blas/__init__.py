"""RustTorch's extension module with OpenBLAS inside. The package ``rusttorch`` of this version takes it from here; nothing else
should.
"""

__version__ = "0.1.0"
