"""From a row's place in the source back to its file, its line and its raw text.

A place is a line number counted over all files of the load, so it orders rows and names them. Raw
text is kept as long as a row can still be refused: whole chunks while the sort window is near, a
line at a time for the few rows that wait longer.
"""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ledger.drafts import Draft, Ints
from ledger.load_result import FileResult


class Where(NamedTuple):
    """Where a row stood and what it said."""

    file: int
    line: int
    raw: str


class _Kept(NamedTuple):
    draft: Draft
    places: Ints


@dataclass
class FileEntry:
    """A file of the load. `base` is the place before its first line."""

    base: int
    result: FileResult
    head: str
    options: dict[str, Any]


@dataclass
class Trail:
    """The files of a load so far, and the raw text of rows that may still be refused."""

    files: list[FileEntry] = field(default_factory=list)
    _bases: list[int] = field(default_factory=list)
    _drafts: list[_Kept] = field(default_factory=list)
    _texts: dict[int, str] = field(default_factory=dict)

    def begin(self, entry: FileEntry) -> None:
        self.files.append(entry)
        self._bases.append(entry.base)

    def add(self, draft: Draft, base: int) -> Ints:
        """Remember a draft; returns the place of each of its rows, shape (n,)."""
        places: Ints = base + draft.origin.numbers[draft.at]
        self._drafts.append(_Kept(draft, places))
        return places

    def where(self, place: int) -> Where:
        """The file, line and raw text of a row that has not been let go."""
        file = self.file_of(place)
        line = place - self._bases[file]
        text = self._texts.get(place)
        return Where(file, line, self._raw(place) if text is None else text)

    def file_of(self, place: int) -> int:
        return bisect.bisect_left(self._bases, place) - 1

    def files_of(self, places: Ints) -> Ints:
        """The file of each place, shape (n,)."""
        return np.searchsorted(np.array(self._bases), places, "left") - 1

    def let_go(self, before: int, waiting: Iterable[Ints]) -> None:
        """Forget chunks that end before a place, but for the lines that rows still wait with."""
        old = [kept for kept in self._drafts if not len(kept.places) or kept.places[-1] <= before]
        if not old:
            return
        few = [places[places <= before] for places in waiting]
        wanted = np.concatenate([np.zeros(0, np.int64), *few])
        texts = {place: self._texts[place] for place in wanted.tolist() if place in self._texts}
        for kept in old:
            rows = np.searchsorted(kept.places, wanted)
            for row, place in zip(rows.tolist(), wanted.tolist(), strict=True):
                if row < len(kept.places) and kept.places[row] == place:
                    texts[place] = kept.draft.raw(row)
        self._texts = texts
        gone = {id(kept) for kept in old}
        self._drafts = [kept for kept in self._drafts if id(kept) not in gone]

    def _raw(self, place: int) -> str:
        for kept in self._drafts:
            row = int(np.searchsorted(kept.places, place))
            if row < len(kept.places) and kept.places[row] == place:
                return kept.draft.raw(row)
        raise KeyError(f"the text of place {place} was let go too early")
