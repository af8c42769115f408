"""The ledger of the stored results, judged once for all tests of a process."""

from functools import cache

from neurosim.studies import ledger


@cache
def entries() -> tuple[ledger.Entry, ...]:
    """Return all entries."""
    return tuple(ledger.judge_all())
