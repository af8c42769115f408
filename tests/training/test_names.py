"""What neurosim.training offers, and that nothing of it loads before it is used."""

import subprocess
import sys

CODE = """
import sys
from neurosim import training
assert not {"torch", "rockpool", "numba"} & set(sys.modules)
assert dir(training) == sorted(training.__all__)
for name in training.__all__:
    assert getattr(training, name) is getattr(training, name)
print(training.losses.on_counts.__module__, training.synnet.synnet.__module__)
"""


def test_names_load_when_they_are_used_and_are_the_same_thing_each_time():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["neurosim.training.losses", "neurosim.snn.synnet"]
