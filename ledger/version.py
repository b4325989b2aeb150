"""Which build this is: recorded in control events and frames, for information only."""

import hashlib
from importlib import metadata
from typing import Final

VERSION: Final = metadata.version("fledger")
TOOL: Final = f"fledger {VERSION}"
BUILD: Final = hashlib.sha256(TOOL.encode()).digest()[:8]
