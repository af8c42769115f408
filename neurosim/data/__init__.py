"""Recordings of sensors, their encoding into events, and subject-wise splits."""

from neurosim.data.dataset import WRIST_SPLIT, Dataset, choose_front_end, wrist_imu
from neurosim.data.imu import FrontEnd
from neurosim.data.seglearn import Recordings
from neurosim.data.splits import Split, at_random, by_subject
from neurosim.data.windows import Windows

__all__ = [
    "WRIST_SPLIT",
    "Dataset",
    "FrontEnd",
    "Recordings",
    "Split",
    "Windows",
    "at_random",
    "by_subject",
    "choose_front_end",
    "wrist_imu",
]
