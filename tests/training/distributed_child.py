"""Two processes train together: torchrun --nproc-per-node 2 distributed_child.py FOLDER SETTINGS.

Prints the metrics of every epoch as a line of JSON; the first process does.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from neurosim.training import loop
from tests.training.small import small_dataset


def main(folder: str, settings: str) -> None:
    def show(row):
        if os.environ.get("RANK", "0") == "0":
            print(json.dumps(row), flush=True)

    loop.train(
        "aspen",
        folder=Path(folder),
        dataset=small_dataset(np.random.default_rng(20)),
        on_epoch=show,
        resume=True,
        **json.loads(settings),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
