"""Training runs in processes that are killed: python resume_child.py FOLDER SETTINGS KILLS SEED.

Each run is a fork of this process, which has loaded all code (by a run of its own, in one thread);
it is killed (SIGKILL) some milliseconds after a random batch of its own, while it computes, writes
a checkpoint or neither. A run that came to its end before is moved away, and the next one begins
anew. Prints, as a line of JSON each, how every process ended and after how many batches.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from neurosim.training import epochs, loop
from tests.training.small import small_dataset

BATCH = epochs.Trainer._batch


def run(folder: Path, settings: dict, pipe: int) -> None:
    """Train, or go on, and write a byte after every batch."""

    def counted(trainer, *args):
        stop = BATCH(trainer, *args)
        os.write(pipe, b".")
        return stop

    epochs.Trainer._batch = counted
    torch.set_num_threads(1)
    dataset = small_dataset(np.random.default_rng(20))
    loop.train(
        "aspen", folder=folder, dataset=dataset, resume=True, checkpoint_seconds=0, **settings
    )


def killed(folder: Path, settings: dict, rng: np.random.Generator) -> tuple[int, int]:
    """Fork a run and kill it; return its exit status and the batches it did."""
    wanted, done = int(rng.integers(1, 4)), 0
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        try:
            run(folder, settings, into)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    os.close(into)
    while done < wanted and os.read(out, 1):
        done += 1
    time.sleep(rng.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(out)
    return status, done


def main(folder: str, settings: str, kills: str, seed: str) -> None:
    place, rng, ended, left = Path(folder), np.random.default_rng(int(seed)), 0, int(kills)
    run(
        place.with_name(f"{place.name} of the parent"), json.loads(settings), os.open(os.devnull, 1)
    )
    while left:
        status, batches = killed(place, json.loads(settings), rng)
        print(json.dumps({"status": status, "batches": batches}), flush=True)
        left -= status == -signal.SIGKILL
        if status == 1:
            sys.exit("a run failed")
        if status == 0:
            place.rename(place.with_name(f"{place.name}-{ended}"))
            ended += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
