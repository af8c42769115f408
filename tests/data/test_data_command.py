import pytest
from typer.testing import CliRunner

from neurosim.cli import app
from neurosim.data import catalogue
from neurosim.errors import InputError, UnavailableError
from tests.data import official


def run(*arguments):
    done = CliRunner().invoke(app, ["data", *map(str, arguments)])
    return " ".join(done.output.split()), done.exception


def test_list_says_what_is_there_and_where_the_rest_belongs(tmp_path, rng, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    official.ku_har_file(tmp_path / "ku-har", rng, per_class=1)
    said, _ = run("list", "--folder", tmp_path)
    assert "wrist" in said
    assert f"uci-har: put the folder `UCI HAR Dataset` into {tmp_path / 'uci-har'}" in said
    assert "ku-har: put" not in said
    for source in catalogue.SOURCES:  # each says how large it is, and how to get it
        assert source.size in said
        assert catalogue.present(source, tmp_path) or f"{source.name}: " in said
    present = [s.name for s in catalogue.SOURCES if catalogue.present(s, tmp_path)]
    assert "ku-har" in present
    assert "cifar10" not in present


def test_check_reads_everything(tmp_path, rng):
    official.ku_har_file(tmp_path / "ku-har", rng, per_class=1)
    for arguments in (("ku-har", tmp_path / "ku-har"), ("ku-har", "--folder", tmp_path)):
        said, error = run("check", *arguments)
        assert error is None
        assert "18 of 3 s; the file's name says 20,750" in said
        assert "not recorded; 10 blocks" in said
    said, _ = run("check", "wrist")
    assert "140 of" in said


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("check", "uci-har", "nowhere"), UnavailableError),
        (("check", "wrist", "here"), InputError),
        (("check", "moon"), InputError),
        (("check",), InputError),
        (("fetch", "uci-har"), InputError),
    ],
)
def test_what_cannot_be_done_is_an_error(arguments, error):
    assert isinstance(run(*arguments)[1], error)


def test_the_folder_comes_from_option_variable_or_the_system(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path / "variable"))
    assert catalogue.root(tmp_path / "option") == tmp_path / "option"
    assert catalogue.root() == tmp_path / "variable"
    monkeypatch.delenv("NEUROSIM_DATA")
    assert catalogue.root().name == "neurosim"
