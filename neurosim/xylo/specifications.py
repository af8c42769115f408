"""The specifications beside a run's net: one file for each chip that it was deployed on.

Earlier versions wrote `spec.safetensors` for every chip; where one lies it counts for its own chip.
"""

from __future__ import annotations

from pathlib import Path

from neurosim.errors import InputError
from neurosim.run import SPEC_FILE, spec_file
from neurosim.xylo import chips
from neurosim.xylo.spec import XyloSpec


class OtherSpecification(InputError):
    """Another specification for the chip lies where one is to be written."""


def files_of(folder: Path) -> dict[str, Path]:
    """Return a run's specifications by chip, that of the default chip first.

    Raises:
        InputError: the file of an earlier version is damaged, and there is no other.
    """
    named = {name: folder / spec_file(name) for name in (chips.DEFAULT, *chips.CHIPS)}
    files = {name: path for name, path in named.items() if path.is_file()}
    if (old := folder / SPEC_FILE).is_file():
        try:
            files.setdefault(XyloSpec.load(old).chip or chips.DEFAULT, old)
        except InputError:
            if not files:
                raise
    return dict(sorted(files.items(), key=lambda item: item[0] != chips.DEFAULT))


def file_for(folder: Path, chip: str) -> Path:
    """Return where the specification for a chip lies, or is to be written."""
    try:
        return files_of(folder).get(chip, folder / spec_file(chip))
    except InputError:
        return folder / spec_file(chip)


def load(folder: Path, chip: str | None = None) -> XyloSpec | None:
    """Return the specification for a chip; without a name that of the default chip, or the first.

    Raises:
        InputError: the file is damaged.
    """
    files = files_of(folder)
    path = next(iter(files.values()), None) if chip is None else files.get(chip)
    return XyloSpec.load(path) if path is not None else None


def save(spec: XyloSpec, folder: Path, *, force: bool = False) -> Path:
    """Write a specification beside a run's net, for its chip.

    Args:
        spec: for a chip.
        folder: of the run.
        force: replace one that differs.

    Raises:
        OtherSpecification: there is one for this chip that differs, or that is damaged, and
            `force` is not set.
    """
    return write(spec, file_for(folder, spec.chip or chips.DEFAULT), force=force)


def write(spec: XyloSpec, path: Path, *, force: bool = False) -> Path:
    """Write a specification; one that differs is replaced by `force` alone, as by `save`."""
    if path.is_file() and not force:
        try:
            before = XyloSpec.load(path)
        except InputError as error:
            raise OtherSpecification(f"{error}; --force (force=True) writes it anew") from error
        if not _same(before, spec):
            raise OtherSpecification(
                f"{path}: holds another specification ({before.digest()}, decides at "
                f"{before.decision}) than this deployment makes ({spec.digest()}, "
                f"{spec.decision}), which may be verified; --force (force=True) replaces it"
            )
    return spec.save(path)


def _same(a: XyloSpec, b: XyloSpec) -> bool:
    """Return whether two specifications mean the same: dynamics, chip, front end and decision."""
    return (a.digest(), a.chip, a.relays, a.front_end, a.decision) == (
        b.digest(), b.chip, b.relays, b.front_end, b.decision
    )  # fmt: skip
