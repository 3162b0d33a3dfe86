"""Tables as people have them: whatever the damage, the right cells or a reason with its line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparseeg.errors import SparseEEGError
from sparseeg.files.tsv import exact, finite_numbers, not_numbers, read_tsv

PLAIN = "onset\tduration\tvalue\n1.5\tn/a\tgo\n2.5\t0\tstop\n"
CELLS = [["1.5", None, "go"], ["2.5", "0", "stop"]]


def cells(table: pd.DataFrame) -> list[list[str | None]]:
    return [[None if pd.isna(cell) else cell for cell in row] for row in table.to_numpy(dtype=object)]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.rstrip("\n").encode(),
        PLAIN.replace("\n", "\t\n").encode(),
        PLAIN.replace("\n", "\t\t\t\n").encode(),
        PLAIN.replace("go\n", "go\t\n").encode(),
        PLAIN.replace("value\n", "value\t\t\n").encode(),
        PLAIN.replace("\t", " \t ").encode(),
        PLAIN.replace("onset", " onset ").replace("go", "\u00a0go ").encode(),
        PLAIN.replace("go", '"go"').replace("1.5", '" 1.5"').encode(),
        PLAIN.replace("\n", "\n\n").encode(),
        PLAIN.replace("\n", "\n\t\t\n").encode(),
        PLAIN.replace("onset", "Onset").replace("value", "VALUE").encode(),
    ],
)
def test_the_same_table_in_every_dialect(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    path.write_bytes(content)
    notes: list[str] = []
    table = read_tsv(path, ("onset", "value"), notes)
    assert list(table) == ["onset", "duration", "value"]
    assert cells(table) == CELLS
    assert notes == []


def test_a_quote_that_nothing_closes_swallows_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    rows = [f"{onset}\tgo\n" for onset in range(60)]
    rows[20] = '20\t5" screen\n'
    rows[30] = '30\t"go\n'
    path.write_text("onset\tvalue\n" + "".join(rows))
    table = read_tsv(path)
    assert table["onset"].tolist() == [str(onset) for onset in range(60)]
    assert table["value"].tolist()[20] == '5" screen'
    assert table["value"].tolist()[30] == '"go'


def test_quotes_around_a_cell_may_hold_tabs_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    path.write_text('onset\tvalue\n1\t"a\tb"\n2\t"say ""yes"""\n')
    assert cells(read_tsv(path)) == [["1", "a\tb"], ["2", 'say "yes"']]


def test_another_encoding_is_read_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "channels.tsv"
    path.write_bytes("name\tunits\nFp1\tµV\n".encode("cp1252"))
    notes: list[str] = []
    assert cells(read_tsv(path, notes=notes)) == [["Fp1", "µV"]]
    assert notes == ["it is not UTF-8, read as cp1252 (Western European)"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "events.tsv is empty"),
        (b"\n \n\t\n", "events.tsv is empty"),
        (
            b"a\tb\n1\t2\n1\t2\t3\n",
            "events.tsv can't be read as a table: line 3 has 3 cells, but the header names 2 columns",
        ),
        (
            b"a\tb\t\n1\t2\t\n\n1\t2\t\t3\n",
            "events.tsv can't be read as a table: line 4 has 4 cells, but the header names 2 columns",
        ),
        ("a\tb\n1\t2\n".encode("utf-16-le"), "events.tsv can't be read as a table: it holds NUL bytes"),
        (b"\xff\xfea", "events.tsv can't be read as a table: "),
        (b"a\n\x81\xff\n", "events.tsv can't be read as a table: "),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    path.write_bytes(content)
    with pytest.raises(SparseEEGError, match=f"^{said}"):
        read_tsv(path)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("onset,duration,value\n4.0,0,go\n4.5,0,press\n", "commas"),
        ('onset,value\n4.0,"go, left"\n', "commas"),
        ("onset;duration;value\n4,0;0;go\n4,5;0;press\n", "semicolons"),
        ("onset duration value\n4.0   0 go\n4.5 0   press\n", "blanks"),
        ("onset,duration,value\n", "commas"),
    ],
)
def test_another_separator_is_named(content: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "events.tsv").write_text(content)
    with pytest.raises(SparseEEGError) as caught:
        read_tsv(tmp_path / "events.tsv")
    assert str(caught.value) == (
        f"events.tsv can't be read as a table: its columns are separated by {name}, not by tabs; save it "
        "with tabs"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("participant_id\nsub-1\nsub-2\n", [["sub-1"], ["sub-2"]]),
        ("name\nFz, left\nCz\n", [["Fz, left"], ["Cz"]]),
        ("a note\nwith more words\nword\n", [["with more words"], ["word"]]),
        ("first, name\tage\na, b\t3\n", [["a, b", "3"]]),
    ],
)
def test_commas_and_blanks_in_cells_separate_nothing(
    content: str, expected: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "events.tsv").write_text(content)
    assert cells(read_tsv(tmp_path / "events.tsv")) == expected


def test_a_repeated_header_is_named() -> None:
    column = pd.Series(["1.5", "onset", "2.5"])
    assert not_numbers(column, "onset", finite_numbers(column)[1]) == (
        "column onset, row 2: 'onset' repeats the header, as where tables were joined; remove that line, or "
        "keep the tables apart"
    )


def test_words_for_a_missing_number_are_missing() -> None:
    column = pd.Series(["1.5", "NaN", "NA", "nan", "N.A.", "NULL", "null", None, "inf", "later", "-inf"])
    values, text = finite_numbers(column)
    assert values[0] == 1.5
    assert np.isnan(values[1:]).all()
    assert text.tolist() == [8, 9, 10]
    assert finite_numbers(pd.Series([1.0, np.nan, np.inf]))[1].tolist() == [2]


def test_a_column_of_row_names_keeps_the_others_in_place(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    pd.DataFrame({"onset": [1.5], "value": ["go"]}).to_csv(path, sep="\t")
    table = read_tsv(path)
    assert table[["onset", "value"]].to_numpy().tolist() == [["1.5", "go"]]


def test_lines_with_too_few_cells_are_said(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    path.write_text("onset\tduration\tvalue\n1\t0\tgo\n2\n3\t0\n")
    notes: list[str] = []
    assert cells(read_tsv(path, notes=notes)) == [["1", "0", "go"], ["2", None, None], ["3", "0", None]]
    assert notes == ["line 3 has 1 of 3 cells (2 such lines); the others are missing"]


def test_doubled_columns_are_said_and_the_first_is_used(tmp_path: Path) -> None:
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\tAge\tage\tage\nsub-1\t1\t2\t3\n")
    notes: list[str] = []
    table = read_tsv(path, ("participant_id", "age"), notes)
    assert table["age"].tolist() == ["2"]
    assert notes == ["column age is there 2 times; the first one is used"]


def test_a_table_of_a_header_only_has_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    path.write_text("onset\tvalue\n")
    table = read_tsv(path)
    assert list(table) == ["onset", "value"]
    assert len(table) == 0


def test_missing_cells_are_nan_as_pandas_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text(PLAIN)
    plain = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, na_values=["n/a", ""])
    pd.testing.assert_frame_equal(read_tsv(path), plain)
    assert np.isnan(read_tsv(path)["duration"].iloc[0])


def test_a_decimal_comma_gets_a_hint() -> None:
    column = pd.Series(["1.5", "2,25", "1,000,000", None])
    values, text = finite_numbers(column)
    assert np.array_equal(values, [1.5, np.nan, np.nan, np.nan], equal_nan=True)
    assert not_numbers(column, "onset", text) == (
        "column onset, row 2: '2,25' is not a finite number; write 2.25 (2 such rows)"
    )
    assert not_numbers(column, "onset", text[1:]).endswith("'1,000,000' is not a finite number")


def test_an_exact_column_is_written_with_all_its_digits() -> None:
    table = pd.DataFrame({"onset": [2139.796943, 0.1, np.nan], "value": [1.23456789, 2.0, 3.0]})
    text = exact(table, "onset").to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.3g")
    assert text == "onset\tvalue\n2139.796943\t1.23\n0.1\t2\nn/a\t3\n"
    assert exact(table, "time") is table
