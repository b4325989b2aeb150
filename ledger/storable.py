"""Text as the engines can keep it.

Names of files, arguments and the environment need not be UTF-8; Python carries their other bytes
as lone surrogates, which neither PostgreSQL nor JSON takes. What cannot be said is written out, so
nothing is lost and nothing fails.
"""

import re
from typing import Any, Final

_UNSAYABLE: Final = re.compile("[\0\ud800-\udfff]")
_BYTES: Final = range(0xDC80, 0xDD00)  # a byte that is not UTF-8, plus 0xDC00


def storable(text: str) -> str:
    r"""The text with what is no UTF-8 written as `\xff`, other lone surrogates as `\ud800`, and
    NUL as `\x00`."""
    return _UNSAYABLE.sub(_written_out, text)


def storable_tree(value: Any) -> Any:
    """As `storable`, for every text and key of a JSON value."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): storable_tree(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable_tree(one) for one in value]
    return value


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code in _BYTES:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
