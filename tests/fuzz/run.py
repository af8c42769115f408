"""Try damaged and hostile files on every reader, in processes of their own.

    python -m tests.fuzz.run [--count N] [--seconds S] [--seed K] [--only READER ...]

Each input must be refused with an InputError or an UnavailableError of one line, or be read; never
a traceback, a crash, more than 20 s or more than 2 GB. `make fuzz` tries 10,000.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SECONDS, BYTES = 20, 2 * 2**30
LONGEST = 4000
"""Characters of a refusal."""
TOKENS = (
    b"nan", b"-1", b"1e999", b'"', b"\n", b",", b"\0", b"(" * 300, b"[" * 3000, b"{" * 3000,
    b"9" * 5000, b"\xe9", b"'", b"null", b"true", b"../../etc/passwd", b"\x1b[2J", b"1e308",
    b"-9223372036854775808", b"18446744073709551616",
)  # fmt: skip
WORDS = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\xff" * 8, b"\1\0\0\0")


def mutate(content: bytes, draw: random.Random) -> bytes:
    """Return a file with one kind of damage at one to five places."""
    damaged = bytearray(content)
    kind = draw.randrange(10)
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        if not damaged:
            break
        at, other, size = (draw.randrange(len(damaged)) for _ in range(3))
        few = 1 + size % 30
        if kind == 0:  # a bit flips
            damaged[at] ^= 1 << draw.randrange(8)
        elif kind == 1:  # cut short
            del damaged[at:]
        elif kind == 2:  # a huge, negative or empty size
            word = draw.choice(WORDS)
            damaged[at : at + len(word)] = word
        elif kind == 3:  # another byte
            damaged[at] = draw.randrange(256)
        elif kind == 4:  # two fields change places
            a, b = damaged[at : at + few], damaged[other : other + few]
            damaged[at : at + few], damaged[other : other + few] = b, a
        elif kind == 5:  # a part comes again and again
            damaged[at:at] = damaged[at : at + 1 + size % 200] * draw.choice((1, 3, 100))
        elif kind == 6:  # another byte of the header
            damaged[at % 200 % len(damaged)] = draw.randrange(256)
        elif kind == 7:  # a word of another type, deep nesting, a control character
            damaged[at:at] = draw.choice(TOKENS)
        elif kind == 8:  # a part of the header is lost
            at %= min(300, len(damaged))
            del damaged[at : at + few % 10 + 1]
        else:  # a number or a word is replaced
            damaged[at : at + few % 4 + 1] = draw.choice(TOKENS)
    return bytes(damaged)


def outcome(read: object, path: Path) -> str:
    """Return what a reader makes of a file: "read", "refused", or what it did wrong."""
    from neurosim.errors import InputError, UnavailableError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)  # type: ignore[operator]
    except (InputError, UnavailableError) as error:
        said = str(error)
        if "\n" in said or len(said) > LONGEST or not said.isprintable():
            return f"refused in {len(said)} characters that are no safe line: {said[:100]!r}"
        return "refused"
    except BaseException as error:
        return f"{type(error).__name__}: {error!s:.200}"
    return "read"


def work(names: list[str], seed: int, first: int, count: int) -> None:
    """Try inputs from `first` on, `count` for each reader; print JSON before and after each."""
    from tests.fuzz.corpus import CORPUS

    def say(**row: object) -> None:
        print(json.dumps(row), flush=True)

    for number, name in enumerate(names):
        start = max(first - number * count, 0)
        if start >= count:
            continue
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "input"
            read = CORPUS[name](path)
            content = path.read_bytes()
            if start == 0 and (said := outcome(read, path)) != "read":
                say(input=number * count, outcome=f"the valid file is not read: {said}")
            _limit()
            for k in range(start, count):
                place_in_all = number * count + k
                path.write_bytes(mutate(content, random.Random(f"{name} {seed} {k}")))
                say(input=place_in_all)
                signal.alarm(SECONDS)
                begin = time.monotonic()
                said = outcome(read, path)
                signal.alarm(0)
                seconds = round(time.monotonic() - begin, 2)
                say(input=place_in_all, outcome=said, seconds=seconds)


def _limit() -> None:
    """Give this process so much more memory than it has."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def tried(names: list[str], seed: int, count: int, seconds: float) -> Iterator[dict]:
    """Yield the outcome of each input; a process that dies is one, too, and the next goes on."""
    first, end = 0, time.monotonic() + seconds
    while first < count * len(names) and time.monotonic() < end:
        command = [sys.executable, "-m", "tests.fuzz.run", "--work", f"{seed}", f"{first}"]
        child = subprocess.Popen(
            [*command, f"{count}", *names],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert child.stdout is not None
        for line in child.stdout:
            row = json.loads(line)
            first = row["input"] + 1
            if "outcome" in row:
                yield row
            if time.monotonic() > end:
                child.kill()
                break
        child.communicate()
        if child.returncode and time.monotonic() < end:
            yield {"input": first - 1, "outcome": f"ended the process: {child.returncode}"}


def run(names: list[str], count: int, seed: int, seconds: float) -> list[str]:
    """Try `count` inputs of each reader, print a table, and return what went wrong."""
    rows: dict[str, list[dict]] = {name: [] for name in names}
    for row in tried(names, seed, count, seconds):
        rows[names[row["input"] // count]].append(row)
    print(f"{'reader':28}{'tried':>7}{'refused':>9}{'read':>6}{'wrong':>7}{'longest, s':>12}")
    faults = []
    for name, found in rows.items():
        counts = Counter(row["outcome"] for row in found)
        good = counts["refused"] + counts["read"]
        longest = max((row.get("seconds", 0.0) for row in found), default=0.0)
        faults += [
            f"{name}, seed {seed}, input {row['input'] % count}: {row['outcome']}"
            for row in found
            if row["outcome"] not in ("refused", "read")
        ]
        print(
            f"{name:28}{len(found):7}{counts['refused']:9}{counts['read']:6}"
            f"{len(found) - good:7}{longest:12.2f}"
        )
    total = sum(map(len, rows.values()))
    print(f"{total} inputs, {len(faults)} with another outcome than a file may have")
    print("\n".join(faults[:40]))
    return faults


def main() -> int:
    """Return 1 if any input had another outcome than it may have."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000, help="inputs in all")
    parser.add_argument("--seconds", type=float, default=3600, help="most time in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="names of readers")
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        (seed, first, count), names = map(int, options.work[:3]), options.work[3:]
        work(names, seed, first, count)
        return 0
    from tests.fuzz.corpus import CORPUS

    names = options.only or list(CORPUS)
    return bool(run(names, -(-options.count // len(names)), options.seed, options.seconds))


if __name__ == "__main__":
    sys.exit(main())
