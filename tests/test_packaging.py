"""What is installed is what is on disk, and importing it is cheap."""

from __future__ import annotations

import configparser
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import neurosim

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {
    "equations": "neurosim.equations",
    "analysis": "neurosim.analysis",
    "figures": "neurosim.figures",
}


def test_package_list_equals_the_disk():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    found = set()
    for top in ("neurosim", *ROOMS):
        for init in (ROOT / top).rglob("__init__.py"):
            parts = init.parent.relative_to(ROOT).parts
            found.add(".".join((ROOMS.get(parts[0], parts[0]), *parts[1:])))
    assert listed == found


def test_the_version_stands_in_one_place_and_the_citation_follows():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {neurosim.__version__}\n" in citation
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {neurosim.__version__}\n" in changes
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["metadata"]["version"] == "attr: neurosim.__version__"


def test_every_room_is_an_attribute_that_loads_when_it_is_used():
    import neurosim as ns

    private = {"commands", "report"}  # what only the command line needs
    folders = {
        p.parent.name for top in ("neurosim/*", *ROOMS) for p in ROOT.glob(f"{top}/__init__.py")
    }
    assert set(ns._ROOMS) == folders - private
    assert set(ns._ROOMS) <= set(dir(ns))
    code = (
        "import sys, neurosim as ns;"
        "print(*(getattr(ns, room).__name__ for room in ns._ROOMS));"
        "print(*sorted({'torch', 'brian2', 'rockpool', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, heavy = done.stdout.split("\n")[:2]
    assert names.split() == [f"neurosim.{room}" for room in ns._ROOMS]
    assert heavy == ""


def test_import_is_light():
    code = (
        "import sys, neurosim;"
        "heavy = {'torch', 'brian2', 'rockpool', 'numba', 'matplotlib', 'scipy'};"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    "name", ["neurosim.cli", "neurosim.xylo", "neurosim.verify", "neurosim.run"]
)
def test_rooms_beside_training_do_not_load_torch(name):
    code = (
        f"import sys, {name}; print(*sorted({{'torch', 'brian2', 'rockpool'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_wheel_works_outside_the_checkout(tmp_path):
    """The wheel, in an environment that sees our dependencies but not the checkout."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*build, str(_copy_of_sources(tmp_path))], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    place = tmp_path / "env"
    venv.create(place, with_pip=False)
    site = next(place.glob("lib/python*/site-packages"))
    dependencies = [p for p in sys.path if p.endswith("site-packages")]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    # Dependencies come last and without their .pth files: the editable install stays unseen.
    (site / "dependencies.pth").write_text("\n".join(dependencies))
    python = place / "bin" / "python"
    for arguments in (["--help"], ["equations"]):
        done = subprocess.run(
            [python, "-m", "neurosim", *arguments], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert len(done.stdout) > 200
    where = subprocess.run(
        [python, "-c", "import neurosim.equations as e; print(e.__file__)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert str(site) in where.stdout


def _copy_of_sources(tmp_path: Path) -> Path:
    """Copy what a build reads: no build/ of the checkout is read or left there."""
    import shutil

    copy = tmp_path / "sources"
    for name in ("neurosim", *ROOMS):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    return copy
