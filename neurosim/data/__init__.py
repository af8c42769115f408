"""Recordings and images, their encoding into events, and splits that share nobody."""

from neurosim.data import encode
from neurosim.data.dataset import WRIST_SPLIT, Dataset, choose_front_end, wrist_imu
from neurosim.data.images import ImageSet, digits, mnist5k
from neurosim.data.imu import FrontEnd
from neurosim.data.seglearn import Recordings
from neurosim.data.splits import Split, at_random, by_subject
from neurosim.data.windows import Windows

__all__ = [
    "WRIST_SPLIT",
    "Dataset",
    "FrontEnd",
    "ImageSet",
    "Recordings",
    "Split",
    "Windows",
    "at_random",
    "by_subject",
    "choose_front_end",
    "digits",
    "encode",
    "mnist5k",
    "wrist_imu",
]
