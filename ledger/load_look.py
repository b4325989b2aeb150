"""The first reading: which instruments of these files are not defined, and what they could be."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np

from ledger.catalog import Catalog
from ledger.draft_rows import find_listing
from ledger.drafts import Draft
from ledger.instruments import Instrument
from ledger.load_infer import Inference
from ledger.sources.parts import Damaged
from ledger.sources.reading import Chunk, Planned
from ledger.sources.reading import read as read_part

LOOK_BYTES: Final = 256 * 1024
Reader = Callable[[Planned], Iterator[Chunk]]


def undefined(
    planned: Sequence[Planned], catalog: Catalog, read: Reader, *, all_rows: bool
) -> list[Instrument]:
    """Definitions for the instruments that have none, from every row.

    Without `all_rows`, the first rows of each file tell whether anything is unknown; when nothing
    is there, the rest is not read (what turns up later is quarantined until it is defined). A file
    of one instrument that is defined is never read to its end.
    """
    if not all_rows and not any(_starts_unknown(one, catalog) for one in planned):
        return []
    inference = Inference(catalog)
    for one in planned:
        for draft in drafts(one, read):
            inference.look(draft)
            if one.format.single and find_listing(draft, 0, catalog) is not None:
                break
    return inference.definitions()


def drafts(planned: Planned, read: Reader) -> Iterator[Draft]:
    """The drafts of a part, up to its damage: the reading that appends says what is damaged."""
    try:
        for chunk in read(planned):
            yield from chunk.parsed.drafts
    except Damaged:
        return


def _starts_unknown(planned: Planned, catalog: Catalog) -> bool:
    """Whether the first rows name an instrument that has no definition. How many those are does
    not depend on the chunks of the load."""
    try:
        for chunk in islice(read_part(planned, lambda _: None, LOOK_BYTES), 1):
            return any(_unknown(draft, catalog) for draft in chunk.parsed.drafts)
    except Damaged:
        pass  # nothing before the damage
    return False


def _unknown(draft: Draft, catalog: Catalog) -> bool:
    there = np.unique(draft.which[draft.refusals.good]).tolist()
    return any(find_listing(draft, number, catalog) is None for number in there)
