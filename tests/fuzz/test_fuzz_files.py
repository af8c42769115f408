"""Some hundred damaged and hostile files: each is refused in one line, or read."""

import random

from tests.fuzz import run
from tests.fuzz.corpus import CORPUS


def test_no_damaged_file_is_believed_blindly_or_ends_in_a_traceback():
    assert len(CORPUS) > 30
    assert run.run(list(CORPUS), count=6, seed=1, seconds=240) == []


def test_a_reader_that_fails_is_found(monkeypatch, tmp_path):
    """The suite itself: tracebacks, long and unsafe lines are told from refusals."""
    from neurosim.errors import InputError

    def says(error):
        def read(path):
            raise error

        return run.outcome(read, tmp_path)

    assert says(InputError("no")) == "refused"
    assert says(KeyError("a")) == "KeyError: 'a'"
    assert says(RecursionError()) == "RecursionError: "
    loud = InputError("x")
    loud.args = ("a\x1b[2J",)
    assert "no safe line" in says(loud)
    assert run.outcome(lambda path: 1, tmp_path) == "read"


def test_damage_is_the_same_each_time():
    content = bytes(range(256)) * 4
    changed = [run.mutate(content, random.Random(f"x 0 {k}")) for k in range(50)]
    assert changed == [run.mutate(content, random.Random(f"x 0 {k}")) for k in range(50)]
    assert sum(new != content for new in changed) > 45
