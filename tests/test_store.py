"""One writer and one reader of tables: what is written comes back, what is damaged is refused."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import store
from neurosim.errors import InputError

numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text("abc ,\"'", min_size=1).map(lambda text: f"x{text}")


@given(st.lists(st.fixed_dictionaries({"net": words, "accuracy": numbers}), min_size=1))
def test_every_digit_and_every_word_come_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    store.write_table(path, rows, command="neurosim x")
    columns = store.read_table(path, remedy="neurosim x")
    assert columns["accuracy"].dtype == np.float64
    assert store.rows_of(columns) == rows


def test_the_head_and_the_digits(tmp_path):
    rows = [{"net": "a", "n": 3, "x": 1 / 3}, {"net": "b", "n": 4, "x": float("nan")}]
    path = store.write_table(
        tmp_path / "table.csv", rows, digits=6, command="neurosim x", head={"title": "T"}
    )
    above, table = "# command: neurosim x\n# title: T\n", "net,n,x\na,3,0.333333\nb,4,nan\n"
    seal = hashlib.sha256((above + table).encode()).hexdigest()
    assert path.read_text() == f"{above}# sha256: {seal}\n{table}"
    columns = store.read_table(path, remedy="")
    np.testing.assert_array_equal(columns["n"], [3.0, 4.0])
    np.testing.assert_array_equal(columns["x"], [0.333333, np.nan])


def test_a_column_of_words_that_look_like_numbers(tmp_path):
    path = store.write_table(tmp_path / "table.csv", [{"net": "24", "x": 1.0}])
    assert store.read_table(path, remedy="", text=("net",))["net"].tolist() == ["24"]
    assert store.read_table(path, remedy="")["net"].tolist() == [24.0]


@pytest.mark.parametrize("text", ["", "# command: x\n", "a,b\n", "a,b\n1\n", "a,b\n1,2,3\n"])
def test_damaged_tables_are_refused_with_the_remedy(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"table\.csv: empty or damaged table; run `neurosim x`"):
        store.read_table(path, remedy="neurosim x")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"not a readable text .* run `neurosim x`"):
        store.read_table(path, remedy="neurosim x")
    with pytest.raises(InputError, match="no such file; run `neurosim x`"):
        store.read_table(tmp_path / "none.csv", remedy="neurosim x")


@pytest.mark.parametrize(
    ("old", "new"), [("0.25", "0.26"), ("neurosim x", "neurosim y"), ("b", "")]
)
def test_a_table_that_was_changed_is_named(tmp_path, old, new):
    rows = [{"net": "a", "x": 0.25}, {"net": "b", "x": 0.5}]
    path = store.write_table(tmp_path / "table.csv", rows, command="neurosim x")
    text = path.read_text()
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=r"table\.csv: damaged, or changed .* run `neurosim x`"):
        store.read_table(path, remedy="neurosim x")
    own = "".join(line for line in text.splitlines(True) if not line.startswith("# sha256"))
    path.write_text(own)  # made by hand
    assert store.rows_of(store.read_table(path, remedy="")) == rows


def test_all_shipped_tables_are_sealed():
    """So a hand that edits a stored result is seen."""
    paths = sorted(store.shipped().glob("*.csv"))
    assert len(paths) > 20
    for path in paths:
        store.split_table(path, remedy="")
        assert "\n# sha256: " in path.read_text(encoding="utf-8")


def test_a_shipped_table_is_written_as_it_was(tmp_path):
    path = store.shipped() / "energy.csv"
    rows = store.rows_of(store.read_table(path, remedy=""))
    command = path.read_text().partition("\n")[0].removeprefix("# command: ")
    again = store.write_table(tmp_path / "energy.csv", rows, digits=6, command=command)
    assert again.read_bytes() == path.read_bytes()


def test_the_content_of_arrays_covers_name_type_shape_and_values():
    a = np.arange(6, dtype=np.int32)
    others = [
        {"b": a},
        {"a": a.astype(np.int64)},
        {"a": a.view(np.float32)},
        {"a": a.reshape(2, 3)},
        {"a": a.reshape(3, 2)},
        {"a": a[::-1]},
        {"a": a[:3], "b": a[3:]},
        {"a": a, "b": a[:0]},
        {},
    ]
    found = {store.content(arrays) for arrays in ({"a": a}, *others)}
    assert len(found) == 1 + len(others)
    assert store.content({"a": a}) == store.content({"a": np.arange(12, dtype=np.int32)[:6]})
    assert store.content({"a": a}, 1) != store.content({"a": a}, 2)
