"""Settings of a run on a user's own recordings: the table `[data]` of its TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from neurosim.errors import InputError, UnavailableError, nearest, shown

if TYPE_CHECKING:
    from neurosim.data import Dataset, ImageSet, Recordings


class RecordingFiles(BaseModel):
    """Where recordings are, how they are read and cut; what is left out is told from the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    path: str
    """A file, a folder of files of one kind, or the name of a set in `neurosim data list`."""
    rate: float | None = Field(None, gt=0, le=1e5)
    """Samples a second."""
    columns: tuple[str, ...] | None = None
    """Of acceleration x, y, z."""
    label: str | None = None
    """Column of what was done, or "folder" or "file"."""
    person: str | None = None
    """Column of who wore the sensor, or "folder", "file" or "none"."""
    time: str | None = None
    """Column of the time, or "none"."""
    units: str | None = None
    """"g", "m/s2", "mg", or the number that 1 g is."""
    window_s: float = Field(2.56, gt=0, le=3600)
    """Length of a window in seconds."""
    overlap: float = Field(0.5, ge=0, lt=1)
    """Share of a window that the next one repeats."""
    channels: Literal["bands", "gravity", "both"] = "bands"
    """What the front end counts: movement, which way is down, or both."""
    keep_windows: bool = True
    """Whether the run's folder keeps the windows, so that it needs the files no more."""

    def check_place(self) -> None:
        """Refuse a path where nothing is, before anything heavy loads.

        Raises:
            UnavailableError: it is no file or folder, and no set has this name.
        """
        from neurosim.data import catalogue

        if not Path(self.path).exists() and self.path not in catalogue.names():
            near = nearest(self.path, catalogue.names())
            raise UnavailableError(f"{shown(self.path)}: no such file, folder or set; {near}")

    def _only(self, what: str, *used: str) -> None:
        """Refuse settings that say nothing about what is read."""
        for name, field in type(self).model_fields.items():
            idle = name not in ("path", "keep_windows", *used)
            if idle and (value := getattr(self, name)) != field.default:
                raise InputError(
                    f"{shown(self.path)}: {name} {shown(value)} has no use for {what}; leave it out"
                )

    def reading(self) -> dict[str, Any]:
        """Return the options of `data.read_recordings`."""
        return self.model_dump(include={"rate", "columns", "label", "person", "time", "units"})

    def recordings(self) -> Recordings:
        """Read the files; raises as `data.read_recordings`."""
        from neurosim import data

        return data.read_recordings(self.path, **self.reading())

    def encoded(self, recordings: Recordings) -> Dataset:
        """Return recordings as windows; raises as `data.encode_own`."""
        from neurosim import data

        options = self.model_dump(include={"window_s", "overlap", "channels"})
        return data.encode_own(recordings, **options)

    def frames(self, steps: int) -> ImageSet:
        """Return recordings of an event camera as frames; raises as `data.event_files`."""
        from neurosim.data import event_files

        if event_files.kind_of(self.path) != "camera":
            raise InputError(
                f"{self.path}: an image net reads events of a camera, a .npz file with x, y, on, "
                "t_us, offsets and labels; for recordings train another preset, such as aspen"
            )
        self._only("recordings of a camera")
        return event_files.read_camera(self.path, steps)

    def dataset(self) -> Dataset:
        """Return the windows of the files, or of the set of that name.

        Raises:
            UnavailableError: there is no such file, or the set is not here.
            InputError: it cannot be read.
        """
        from neurosim import data
        from neurosim.data import catalogue, event_files

        if self.path not in catalogue.names() or Path(self.path).exists():
            kind = event_files.kind_of(self.path)
            if kind == "camera":
                raise InputError(
                    f"{self.path}: holds events of a camera; train an image net, such as preset "
                    "ahsar-digits"
                )
            if kind == "rasters":
                self._only("rasters", "rate")
                return event_files.read_rasters(self.path, rate=self.rate)
            return self.encoded(self.recordings())
        self._only(f"the set {self.path}", "channels")
        if self.path == "braille":
            return data.braille()
        if self.path == "wrist":
            recordings = data.seglearn.load()
            front_end = data.choose_front_end(recordings, data.WRIST_SPLIT, channels=self.channels)
            return data.wrist_imu(front_end=front_end)
        return data.activities(self.path, channels=self.channels)
