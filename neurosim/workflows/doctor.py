"""What this machine offers, and the cache that neurosim keeps on it."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import platformdirs
from rich.table import Table

from neurosim.data import seglearn
from neurosim.engines.brian2.cache import compiler
from neurosim.errors import NeurosimError
from neurosim.provenance import versions


def cache_folder() -> Path:
    """Return the folder of compiled engines and encoded data."""
    return Path(platformdirs.user_cache_dir("neurosim"))


def clear_cache() -> int:
    """Empty the cache; return the bytes that were freed."""
    freed = _size(cache_folder())
    shutil.rmtree(cache_folder(), ignore_errors=True)
    return freed


def table() -> Table:
    """Return what was found as a table."""
    out = Table(title="neurosim doctor")
    out.add_column("what")
    out.add_column("found")
    for name, version in versions().items():
        out.add_row(name, version)
    out.add_row("C++ compiler", _compiler() or "[red]absent[/]: Brian2 falls back to numpy (slow)")
    out.add_row("wrist recordings", _wrist_recordings())
    out.add_row("samna (boards)", "present" if find_spec("samna") else "absent: simulators only")
    out.add_row("cache", f"{cache_folder()} ({_size(cache_folder()) / 1e6:.1f} MB)")
    return out


def _wrist_recordings() -> str:
    try:
        return f"{len(seglearn.load().signals)} recordings, unchanged"
    except NeurosimError as error:
        return f"[red]{error}[/]"


def _compiler() -> str | None:
    path = compiler()
    if path is None:
        return None
    asked = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return f"{path}: {asked.stdout.splitlines()[0]}" if asked.stdout else path


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
