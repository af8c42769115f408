"""Make trained_net.safetensors and trained_net.json: a small trained net and input rates.

A 15-48-48-48-7 net trained for eight epochs on the embedded wrist recordings, and the mean events
per step and channel of four training windows: what predictions of spike counts are tested on.

    python tests/reference/trained_net.py        # 1 minute
"""

import json
import tempfile
from pathlib import Path

import numpy as np

import neurosim as ns
from neurosim.workflows.run_data import windows_of

WINDOWS = 4

if __name__ == "__main__":
    here = Path(__file__)
    with tempfile.TemporaryDirectory() as folder:
        run = ns.train("aspen", folder=folder, epochs=8, seed=0, progress=False)
    raster = windows_of(run).train.raster
    chosen = np.linspace(0, len(raster) - 1, WINDOWS).astype(int)
    run.network.save(here.with_suffix(".safetensors"))
    rates = np.round(raster[chosen].mean(axis=1), 6).tolist()
    here.with_suffix(".json").write_text(json.dumps({"rates": rates}, indent=1) + "\n", "utf-8")
