"""Kill commands at random moments, run them again, and compare with a run that nobody disturbed.

    python -m tests.faults.run [--kills N] [--seed K] [--only COMMAND ...]

Each run is a fork of this process, which has loaded all code, in a process group of its own that is
killed (SIGKILL) after a random share of the time that the command takes; then the same command runs
to its end. Every third run, or the second of two, starts with empty caches, so that encoding and
building are struck, too. All files must be those of the undisturbed run, but for seconds and
checksums over them. `make faults` kills each command 50 times.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

LOADED = (
    "neurosim.cli",
    "neurosim.engines.brian2.population_run",
    "neurosim.engines.brian2.xylo_run",
    "neurosim.engines.xylosim",
    "neurosim.figures",
    "neurosim.studies",
    "neurosim.studies.runner",
    "neurosim.training.loop",
    "neurosim.workflows.deployment",
    "neurosim.workflows.verification",
    "neurosim.xylo.integer_layer",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "rockpool.nn.modules",
    "seglearn",
    "sklearn.datasets",
)
TINY = 'preset = "aspen"\nepochs = 3\nhidden = [8]\nbatch_size = 128\nthreads = 1\n'
COMMANDS: dict[str, tuple[str, ...]] = {
    "train": ("train", "tiny.toml", "--out", "out/run", "--resume"),
    "study": ("study", "ahsar_ood", "--fast", "--jobs", "1", "--out", "out", "--only", "net=mlp"),
    "deploy": ("deploy", "run", "--json", "out/fields.json"),
    "verify": ("verify", "run", "--raster", "random", "--report", "out/page.html"),
}
"""Each in a folder that holds tiny.toml, a deployed run, and out."""
TIMES = ("seconds", "seconds of all cases", "sha256")
"""What differs between two runs: how long they took, and checksums over that."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    """Of its exit; negative for a signal."""
    seconds: float
    stderr: str


def start(command: tuple[str, ...], home: Path, struck: Callable[[], Any] | None = None) -> int:
    """Fork a process that runs a command in a folder with caches of its own; return its number.

    Args:
        command: what follows `neurosim`.
        home: holds tiny.toml, run, out, and the caches.
        struck: does something to the process before the command runs.
    """
    sys.stdout.flush()
    if (child := os.fork()) != 0:
        return child
    try:
        os.setpgid(0, 0)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        if struck is not None:
            struck()
        os._exit(here(command, home))
    finally:
        os._exit(70)


def here(command: tuple[str, ...], home: Path) -> int:
    """Run a command in a folder in this process; return its exit status."""
    from neurosim import cli
    from neurosim.training import checkpoint

    os.chdir(home)
    places = {"XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": "data", "NEUROSIM_NETS": "nets"}
    os.environ.update({name: str(home / place) for name, place in places.items()})
    os.environ["COLUMNS"] = "200"
    checkpoint.Saver.due = lambda self: True  # type: ignore[method-assign]
    sys.argv = ["neurosim", *command]
    try:
        cli.main()
    except SystemExit as end:
        sys.stdout.flush()
        return int(end.code or 0)
    return 0


def wait(child: int, begin: float, kill_after: float | None, home: Path) -> Ended:
    """Wait for a process, or kill its group after some seconds."""
    if kill_after is not None:
        time.sleep(kill_after)
        try:
            os.killpg(child, signal.SIGKILL)
        except ProcessLookupError:  # it has not its own group yet, or has ended
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - begin
    return Ended(os.waitstatus_to_exitcode(status), seconds, (home / "stderr").read_text())


def run(
    command: tuple[str, ...],
    home: Path,
    *,
    kill_after: float | None = None,
    struck: Callable[[], Any] | None = None,
) -> Ended:
    """Run a command to its end, or to where it is killed."""
    (home / "stderr").write_text("")
    begin = time.monotonic()
    return wait(start(command, home, struck), begin, kill_after, home)


def contents(home: Path) -> dict[str, Any]:
    """Return what a command left by name, without times; files that count for nothing are left out.

    Raises:
        Exception: a file is damaged.
    """
    places = [home / "out", *(home / "run").glob("spec*")]
    files = [f for p in places for f in ((p,) if p.is_file() else sorted(p.rglob("*")))]
    return {
        str(file.relative_to(home)): content(file)
        for file in files
        if file.is_file() and not _counts_for_nothing(file)
    }


def _counts_for_nothing(file: Path) -> bool:
    return file.suffix in (".part", ".lock") or file.name in (".training.lock", "checkpoint.pt")


def content(file: Path) -> Any:
    """Return what is in a file, without times.

    Raises:
        Exception: it is damaged.
    """
    from neurosim import hdf5
    from neurosim.errors import InputError

    if file.suffix == ".json":
        values = json.loads(file.read_text())
        if file.name == "checksums.json":
            values.pop("provenance.json")
        return {k: v for k, v in values.items() if k not in TIMES}
    if file.suffix == ".csv":
        lines = file.read_text().splitlines()
        return [x for x in lines if not x.startswith(tuple(f"# {name}:" for name in TIMES))]
    if file.suffix == ".nc":
        found = hdf5.read(file, "results")
        found.attributes[""].pop("seconds of all cases")
        return repr(found)
    ends = {".safetensors": b"", ".png": b"IEND\xaeB`\x82", ".pdf": b"%%EOF\n", ".html": b"</html>"}
    written = file.read_bytes()
    if not written or not written.rstrip().endswith(ends[file.suffix].rstrip()):
        raise InputError(f"{file}: cut short")
    return written


def prepared(home: Path, warm: Path | None) -> Path:
    """Make a folder in which a command can run."""
    shutil.rmtree(home, ignore_errors=True)
    (home / "out").mkdir(parents=True)
    (home / "tiny.toml").write_text(TINY)
    if warm is not None:
        shutil.copytree(warm / "run", home / "run")
        shutil.copytree(warm / "cache", home / "cache")
    return home


def complain(name: str, home: Path, whole: dict[str, Any]) -> list[str]:
    """Return what is wrong with the files after a kill: none may look complete but be damaged."""
    from neurosim.errors import InputError
    from neurosim.run import Run
    from neurosim.studies.runner import record_of

    try:
        now = contents(home)
    except Exception as error:
        return [f"a file is damaged after the kill: {error!r}"]
    faults = [
        f"{file} is not what it will be"
        for file, value in now.items()
        if name != "train" and whole.get(file) != value
    ]
    faults += [f"{f}: damaged" for f in home.glob("out/*/cases/*.json") if record_of(f) is None]
    if name == "train":
        try:
            Run.load(home / "out/run")
        except InputError:
            return faults
        faults += [f"the run loads, and lacks {f}" for f in whole if now.get(f) != whole[f]]
    return faults


def kills(name: str, count: int, seed: int, base: Path) -> list[str]:
    """Kill a command `count` times at random moments; print a line, and return what went wrong."""
    command, draw = COMMANDS[name], random.Random(f"{name} {seed}")
    warm = base / "warm"
    if not warm.exists():
        prepared(warm, None)
        # Once in this process, so that the others start with all that loads when it is first used.
        for first in (COMMANDS["train"], ("deploy", "out/run"), COMMANDS["study"]):
            assert here(first, warm) == 0, first
        (warm / "out/run").rename(warm / "run")
        assert (ended := run(COMMANDS["verify"], warm)).status == 0, ended
        (warm / "run/spec-xylo-imu.safetensors").unlink()
    cold_every = min(3, count)
    seconds, wholes = [], []
    for heat in (None, warm):
        home = prepared(base / "undisturbed", warm)
        if name == "verify":
            assert run(("deploy", "run"), home).status == 0
        if heat is None:
            shutil.rmtree(home / "cache")
        ended = run(command, home)
        assert ended.status == 0, ended
        seconds.append(ended.seconds)
        wholes.append(contents(home))
    faults = [] if wholes[0] == wholes[1] else ["cold and warm caches give other files"]
    killed = same = left = k = 0
    while killed < count and k < 3 * count:  # some end before they are killed
        home = prepared(base / "killed", warm)
        if name == "verify":
            shutil.copy(base / "undisturbed/run/spec-xylo-imu.safetensors", home / "run")
        cold = k % cold_every == cold_every - 1
        if cold:
            shutil.rmtree(home / "cache")
        after = draw.uniform(0, seconds[0 if cold else 1])
        ended = run(command, home, kill_after=after)
        killed += ended.status == -signal.SIGKILL
        wrong = complain(name, home, wholes[0])
        left += any(home.rglob("*.part"))
        ended = run(command, home)
        if ended.status != 0 or "Traceback" in ended.stderr:
            wrong.append(f"again: status {ended.status}: {ended.stderr[-300:]}")
        elif (last := contents(home)) != wholes[0]:
            other = [f for f in {*last, *wholes[0]} if last.get(f) != wholes[0].get(f)]
            wrong.append(f"again: other files than undisturbed: {other}")
        wrong += [f"again: {f} is left" for f in (home / "out").rglob("*.part")]
        same += not wrong
        faults += [f"{name}, run {k} after {after:.2f} s: {text}" for text in wrong]
        k += 1
    print(
        f"{name:8}{k:5} runs{killed:5} kills{same:5} the same{left:5} left a partial file; "
        f"undisturbed {seconds[0]:.1f} s with empty caches, {seconds[1]:.1f} s with full ones",
        flush=True,
    )
    return faults


def main() -> int:
    """Return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(COMMANDS), help="names of commands")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)  # a fork has one thread
    for name in LOADED:
        import_module(name)
    with tempfile.TemporaryDirectory(prefix="neurosim-faults-") as place:
        faults = [
            fault
            for name in options.only
            for fault in kills(name, options.kills, options.seed, Path(place))
        ]
    print("\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
