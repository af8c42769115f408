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


def work(name: str, seed: int, first: int, count: int) -> None:
    """Try inputs `first` to `count` of a reader; print one line of JSON before and after each."""
    from tests.fuzz.corpus import CORPUS

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "input"
        read = CORPUS[name](path)
        content = path.read_bytes()
        if first == 0 and (said := outcome(read, path)) != "read":
            print(json.dumps({"k": -1, "outcome": f"the valid file is not read: {said}"}))
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + BYTES, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for k in range(first, count):
            path.write_bytes(mutate(content, random.Random(f"{name} {seed} {k}")))
            print(json.dumps({"k": k}), flush=True)
            signal.alarm(SECONDS)
            begin = time.monotonic()
            said = outcome(read, path)
            signal.alarm(0)
            seconds = round(time.monotonic() - begin, 2)
            print(json.dumps({"k": k, "outcome": said, "seconds": seconds}), flush=True)


def tried(name: str, seed: int, count: int, end: float) -> Iterator[dict]:
    """Yield the outcome of each input of a reader; a process that dies is one, too."""
    first = 0
    while first < count and time.monotonic() < end:
        command = [sys.executable, "-m", "tests.fuzz.run", "--work", name, str(seed), str(first)]
        child = subprocess.Popen(
            [*command, str(count)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert child.stdout is not None
        last = first - 1
        for line in child.stdout:
            row = json.loads(line)
            if "outcome" in row:
                yield row
            last = row["k"]
            if time.monotonic() > end:
                child.kill()
                break
        child.communicate()
        if child.returncode and time.monotonic() < end:
            yield {"k": last, "outcome": f"the process ended with status {child.returncode}"}
        first = last + 1


def run(names: list[str], count: int, seed: int, seconds: float) -> list[str]:
    """Try `count` inputs of each reader, print a table, and return what went wrong."""
    faults = []
    end = time.monotonic() + seconds
    print(f"{'reader':28}{'tried':>7}{'refused':>9}{'read':>6}{'wrong':>7}{'longest, s':>12}")
    for left, name in zip(range(len(names), 0, -1), names, strict=True):
        own_end = time.monotonic() + (end - time.monotonic()) / left
        rows = list(tried(name, seed, count, own_end))
        counts = Counter(row["outcome"] for row in rows)
        good = counts["refused"] + counts["read"]
        longest = max((row.get("seconds", 0.0) for row in rows), default=0.0)
        faults += [
            f"{name}, seed {seed}, input {row['k']}: {row['outcome']}"
            for row in rows
            if row["outcome"] not in ("refused", "read")
        ]
        print(
            f"{name:28}{len(rows):7}{counts['refused']:9}{counts['read']:6}"
            f"{len(rows) - good:7}{longest:12.2f}",
            flush=True,
        )
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
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, *numbers = options.work
        work(name, *map(int, numbers))
        return 0
    from tests.fuzz.corpus import CORPUS

    names = options.only or list(CORPUS)
    return bool(run(names, -(-options.count // len(names)), options.seed, options.seconds))


if __name__ == "__main__":
    sys.exit(main())
