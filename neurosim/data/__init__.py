"""Recordings and images, their encoding into events, and splits that share nobody."""

from neurosim.data import corrupt, encode, partners, seglearn
from neurosim.data.activity_sets import activities
from neurosim.data.braille_files import braille
from neurosim.data.cifar10_dvs_files import cifar10_dvs
from neurosim.data.cifar10_files import cifar10
from neurosim.data.dataset import WRIST_SPLIT, Dataset, choose_front_end, wrist_imu
from neurosim.data.dataset import encode as encode_recordings
from neurosim.data.event_frames import EventSet
from neurosim.data.images import ImageSet, digits, mnist5k
from neurosim.data.imu import FrontEnd
from neurosim.data.n_mnist_files import n_mnist
from neurosim.data.own_windows import encode_own
from neurosim.data.recording_arrays import recordings
from neurosim.data.recording_files import read_recordings
from neurosim.data.recordings import Recordings
from neurosim.data.splits import Split, at_random, by_subject
from neurosim.data.windows import Windows

__all__ = [
    "WRIST_SPLIT",
    "Dataset",
    "EventSet",
    "FrontEnd",
    "ImageSet",
    "Recordings",
    "Split",
    "Windows",
    "activities",
    "at_random",
    "braille",
    "by_subject",
    "choose_front_end",
    "cifar10",
    "cifar10_dvs",
    "corrupt",
    "digits",
    "encode",
    "encode_own",
    "encode_recordings",
    "mnist5k",
    "n_mnist",
    "partners",
    "read_recordings",
    "recordings",
    "seglearn",
    "wrist_imu",
]
