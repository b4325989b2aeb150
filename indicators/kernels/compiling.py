"""How kernels are compiled: IEEE arithmetic in the order written, inlined, cached by their source.

numba invalidates a cache entry by the time stamp of the one file that holds the function, not of
what it calls. A stale kernel would break the promise that a number never changes its arithmetic,
so the cache folder bears the digest of all kernel sources.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

import numba  # type: ignore[import-not-found, import-untyped, unused-ignore]


def primitive[F: Callable[..., object]](function: F) -> F:
    """Compiles a piece that is inlined where it is used."""
    return cast(F, numba.njit(forceinline=True, error_model="numpy")(function))


def kernel[F: Callable[..., object]](function: F) -> F:
    """Compiles an entry point and keeps the machine code in `cache_folder()`."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder())
    try:
        return cast(F, numba.njit(error_model="numpy", cache=True)(function))
    finally:
        numba.config.CACHE_DIR = before


@cache
def cache_folder() -> Path:
    """`$FLEDGER_CACHE` (else the user's cache folder), then the digest of these sources."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in (folder.parent / "ops.py", *sorted(folder.glob("*.py"))):
        digest.update(path.read_bytes())
    home = os.environ.get("FLEDGER_CACHE") or os.environ.get("XDG_CACHE_HOME")
    base = Path(home) if home else Path.home() / ".cache"
    return base / "fledger" / f"kernels-{digest.hexdigest()[:16]}"
