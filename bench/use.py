"""What one invocation uses of what has a price, as `bench/cost.py` measures and `docs/performance.md` keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_USE = re.compile(
    r"(?P<writes>[\d.]+) write and (?P<reads>[\d.]+) read units, (?P<letters>\d+) letters?, (?P<ms>[\d.]+) ms,"
    r" (?P<waits>\d+) waits?, (?P<logged>\d+) bytes logged, (?P<answered>\d+) answered, (?P<kept>\d+) kept"
)


@dataclass(frozen=True, slots=True)
class Use:
    """What one invocation uses.

    Capacity units, letters sent, milliseconds of a whole processor, how many calls it waits for one after another, and
    bytes: logged, answered after compression, kept in a table and its index.
    """

    writes: float
    reads: float
    letters: int
    ms: float
    waits: int
    logged: int
    answered: int
    kept: int

    @classmethod
    def of(cls, text: str) -> Use:
        """Read it back from how it was written."""
        match = _USE.search(text)
        assert match is not None, text
        found = match.groupdict()
        return cls(*(float(found[name]) if name in ("writes", "reads", "ms") else int(found[name]) for name in found))  # type: ignore[arg-type]  # in the order of the fields

    def __str__(self) -> str:
        letters, waits = (
            f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((self.letters, "letter"), (self.waits, "wait"))
        )
        units = f"{self.writes:g} write and {self.reads:g} read units, {letters}, {self.ms:.1f} ms, {waits}"
        return f"{units}, {self.logged} bytes logged, {self.answered} answered, {self.kept} kept"
