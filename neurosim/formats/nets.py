"""One door for nets: whatever form a net comes in, `read` and `one` return it as a `Net`.

| form | floats | integers |
| --- | --- | --- |
| Network, its file | yes | |
| XyloSpec, its file, rockpool's dictionary, JSON of ours or of samna | | yes |
| Run, its folder, a folder of runs | yes | where it was deployed |
| rockpool module (torch, numpy, jax), the JSON file of `module.save` | yes | |
| NIR graph, its file | where a Network can say it | |
| saved case of `neurosim verify --fuzz` | | yes |

All else is refused in one line that names what came and how it becomes one of these.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside, store
from neurosim.errors import InputError, shown
from neurosim.formats import refusals
from neurosim.formats.case import KIND as CASE
from neurosim.formats.case import Case
from neurosim.frozen import Frozen
from neurosim.network import Network
from neurosim.outside import JSON_BYTES
from neurosim.run import NETWORK_FILE, SPEC_FILES, Run
from neurosim.xylo import specifications
from neurosim.xylo.spec import XyloSpec

Options = dict[str, Any]
"""How a NIR graph is read: dt, source, reset."""


@dataclass(frozen=True, eq=False)
class Net(Frozen):
    """A net as floats, as integers, or both."""

    name: str
    network: Network | None = None
    spec: XyloSpec | None = None
    graph: Any = None
    """A NIR graph (`neurosim.formats.nir.Graph`)."""
    raster: np.ndarray | None = None
    """Events that belong to it: those of a saved case."""
    run: Run | None = None
    """The run that trained it, where its folder is there: the only thing that knows its data."""
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> Any:
        """What engines run: integers where there are any, else floats, else the NIR graph."""
        if self.spec is not None:
            return self.spec
        return self.network if self.network is not None else self.graph

    @property
    def channels(self) -> int:
        """Input channels."""
        channels: int = self.model.channels
        return channels

    @property
    def front_end(self) -> dict[str, Any] | None:
        """Settings of the front end whose events it reads, where its run or spec names one."""
        named = self.run.front_end if self.run else self.spec.front_end if self.spec else None
        return dict(named) if named else None


def read(
    form: Any, *, dt: float | None = None, source: str | None = None, reset: str | None = None
) -> dict[str, Net]:
    """Return the nets that an object, a file or a folder holds, by name.

    Args:
        form: one of the forms that the module's table lists; a folder may hold several.
        dt: time step in seconds of a NIR graph or a configuration of samna's that states none.
        source: name of the library that wrote a NIR graph, see `neurosim.formats.nir`.
        reset: how the neurons of a NIR graph reset, where its source leaves it open.

    Raises:
        InputError: it is no net, or one that cannot be read.
    """
    options = {"dt": dt, "source": source, "reset": reset}
    if isinstance(form, str | os.PathLike):
        return _path(Path(form), options)
    net = _object(form, options)
    return {net.name: net}


def one(form: Any, **options: Any) -> Net:
    """Return the only net of an object, a file or a folder; arguments as for `read`.

    A Network, a XyloSpec, a NIR graph that was read, and a Net pass as they are.

    Raises:
        InputError: as `read`, or there are several.
    """
    nets = read(form, **options)
    if len(nets) > 1:
        raise InputError(
            f"{shown(form)}: holds {len(nets)} nets ({', '.join(nets)}); name the file of one, or "
            "pass one of `neurosim.formats.nets.read(...)`"
        )
    return next(iter(nets.values()))


# --- objects --------------------------------------------------------------------------------------


def _object(form: Any, options: Options) -> Net:
    """Return the net of an object in memory."""
    if isinstance(form, Net):
        return form
    if isinstance(form, Network):
        return Net("network", network=form)
    if isinstance(form, XyloSpec):
        return Net("specification", spec=form)
    if isinstance(form, Case):
        return Net("case", spec=form.spec, raster=form.raster, origin={"case": form.origin})
    if isinstance(form, Run):
        return _of_run(form)
    kind = type(form)
    classes = {f"{c.__module__.partition('.')[0]}.{c.__name__}" for c in kind.__mro__}
    if "neurosim.Graph" in classes:
        return _graph("graph", form, {})
    if "nir.NIRGraph" in classes:
        from neurosim.formats import nir

        return _graph("graph", nir.from_nir(form, **options), {})
    if isinstance(form, Mapping):
        return _mapping(form)
    refusals.check_object(form)
    if "torch.Module" in classes or "rockpool.Module" in classes:
        from neurosim.formats.rockpool import network_from_module

        return Net("module", network=network_from_module(form))
    raise InputError(refusals.unknown(form))


def _mapping(form: Mapping[Any, Any]) -> Net:
    """Read rockpool's dictionary of a specification."""
    if "weights_in" not in form:
        raise InputError(refusals.mapping(form))
    from neurosim.formats import xylo_json

    return Net("specification", spec=xylo_json.from_rockpool(form))


def _of_run(run: Run) -> Net:
    """Return a run's net, as floats and, where its folder has one specification, as integers."""
    files = specifications.files_of(run.folder)
    if len(files) > 1:
        raise InputError(
            f"{run.folder}: was deployed on {', '.join(files)}; pass one specification, such as "
            f"{next(iter(files.values()))}, or run.network for the net as floats"
        )
    path = next(iter(files.values()), None)
    return _net_of(run.folder, run, XyloSpec.load(path) if path else None)


def _graph(name: str, graph: Any, origin: dict[str, Any]) -> Net:
    """Return a NIR graph, and the Network that says the same where there is one."""
    from neurosim.formats import nir

    network, reason = nir.as_network(graph)
    origin = {**origin, "nir": graph.says}
    if network is None:
        origin |= {"no Network, since": reason}
    return Net(name, network=network, graph=graph, origin=origin)


# --- files and folders ----------------------------------------------------------------------------


def _path(path: Path, options: Options) -> dict[str, Net]:
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise InputError(f"{shown(path)}: no such file or folder")
    name, origin = path.stem, {"file": str(path)}
    suffix = path.suffix.lower()
    if suffix == ".json":
        net = _json(path, options)
    elif suffix == ".nir":
        from neurosim.formats import nir

        net = _graph(name, nir.load(path, **options), origin)
    else:
        refusals.check_suffix(path)
        net = _safetensors(path)
    return {name: replace(net, name=name, origin={**origin, **net.origin})}


def _json(path: Path, options: Options) -> Net:
    """Read a configuration in the vendor's field names or of samna, or a module of rockpool's."""
    values = outside.json_of(path, JSON_BYTES)
    if isinstance(values, dict) and "configuration" in values:
        from neurosim.formats import xylo_json

        return Net("", spec=xylo_json.load_json(path))
    if isinstance(values, dict) and list(values) == ["value0"]:
        from neurosim.formats import samna_json

        step = {} if options["dt"] is None else {"dt": options["dt"]}
        return Net("", spec=samna_json.load(path, **step))
    from neurosim.formats import rockpool_json

    return Net("", network=rockpool_json.load(path))


def _safetensors(path: Path) -> Net:
    kind = store.kind(path)
    if kind == "network":
        return Net("", network=Network.load(path))
    if kind == CASE:
        return _object(Case.load(path), {})
    if kind != "xylo-spec":
        refusals.check_safetensors(path, kind)
    return Net("", spec=XyloSpec.load(path))


def _folder(path: Path) -> dict[str, Net]:
    """Return the nets of a run, or of the runs in a folder."""
    folders = [p.parent for p in sorted(path.glob(f"*/{NETWORK_FILE}"))]
    folders += [p.parent for p in path.glob(f"*/{SPEC_FILES}")]
    if (path / NETWORK_FILE).is_file() or any(path.glob(SPEC_FILES)):
        folders = [path, *folders]
    if not folders:
        refusals.check_run(path)
        raise InputError(
            f"{path}: no {SPEC_FILES} there and no {NETWORK_FILE}; give a demo folder, a run, a "
            "specification file, a saved rockpool module (.json) or a NIR file"
        )
    nets = [net for folder in sorted(set(folders), key=str) for net in _of_folder(folder)]
    return {net.name: net for net in nets}


def _of_folder(folder: Path) -> Iterator[Net]:
    """Yield a run's net with its specification for each chip; one net where there is none."""
    files = specifications.files_of(folder)
    run = Run.load(folder) if (folder / NETWORK_FILE).is_file() else None
    for chip, path in files.items():
        name = folder.name if len(files) == 1 else f"{folder.name} on {chip}"
        yield replace(_net_of(folder, run, XyloSpec.load(path)), name=name)
    if not files:
        yield _net_of(folder, run, None)


def _net_of(folder: Path, run: Run | None, spec: XyloSpec | None) -> Net:
    if run is None:
        return Net(folder.name, spec=spec, origin={"folder": str(folder)})
    if run.network is None and spec is None:
        raise InputError(
            f"{folder}: an image net cannot be verified or deployed; give a run trained on windows"
        )
    origin = {"run": str(folder), "seed": run.config.get("seed"), "config": run.config}
    return Net(folder.name, network=run.network, spec=spec, run=run, origin=origin)
