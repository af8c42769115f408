"""A training run in a process of its own, to be killed: python resume_child.py FOLDER SETTINGS.

Prints a line after every batch.
"""

import json
import sys
from pathlib import Path

import numpy as np

from neurosim.training import epochs, loop
from tests.training.small import small_dataset


def main(folder: str, settings: str) -> None:
    batch = epochs.Trainer._batch

    def counted(trainer, *args):
        stop = batch(trainer, *args)
        print(trainer.epoch, trainer.done, flush=True)
        return stop

    epochs.Trainer._batch = counted
    dataset = small_dataset(np.random.default_rng(20))
    changes = json.loads(settings)
    loop.train(
        "aspen", folder=Path(folder), dataset=dataset, resume=True, checkpoint_seconds=0, **changes
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
