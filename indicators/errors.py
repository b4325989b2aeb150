"""Every refusal of this package: what was asked, what is known, and what to change.

IndicatorError             a ValueError with a `remedy`
├── UnknownIndicator           no indicator of that name
├── BadParameter               an unknown parameter, or a value outside its range
├── BadBars                    a column is missing, null, infinite, unsorted or repeated in time
├── TapeUnreadable             bytes that are no tape of this format
├── UnknownPrimitive           a tape uses a number this build does not have
└── OracleMissing              pandas-ta is not here, or not in the environment it is pinned to
"""


class IndicatorError(ValueError):
    """The root. `message` says what and where, `remedy` what to do."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  try: {self.remedy}" if self.remedy else self.message


class UnknownIndicator(IndicatorError):
    """No indicator of that name; the remedy names the nearest."""


class BadParameter(IndicatorError):
    """An unknown parameter, or a value outside its range; nothing was computed."""


class BadBars(IndicatorError):
    """Bars that no indicator may see: the message says which column and row."""


class TapeUnreadable(IndicatorError):
    """Bytes that are no tape of this format, or a tape that would read outside its state."""


class UnknownPrimitive(IndicatorError):
    """A tape uses a primitive number that this build lacks; a newer release has it."""


class OracleMissing(IndicatorError):
    """pandas-ta, or the pinned environment in which its bits are those we promise, is absent."""
