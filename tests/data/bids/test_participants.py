"""participants.json says which codes stand for missing values, and in which unit ages are."""

import json
from pathlib import Path

import numpy as np
import pytest

from sparseeg.data.bids.participants import read_participants

HEADER = "participant_id\tage\tsex\tiq\n"


def write(root: Path, rows: list[str], about: object) -> Path:
    (root / "participants.tsv").write_text(HEADER + "".join(row + "\n" for row in rows))
    (root / "participants.json").write_text(about if isinstance(about, str) else json.dumps(about))
    return root


ROWS = ["sub-1\t20\tF\t100", "sub-2\t-999\tO\t-999", "sub-3\t30\tM\t-999.0", "sub-4\t40\tM\t999"]


@pytest.mark.parametrize(
    "words",
    [
        "missing",
        "Missing value",
        "data not available",
        "n/a",
        "Not available (technical failure)",
        "value is missing",
        "The score was not recorded",
        "unknown",
        "no data",
        "not applicable for controls",
        "prefer not to say",
        "missing due to illness",
        {"Description": "missing"},
    ],
)
def test_codes_that_are_described_as_missing_are_missing(words: object, tmp_path: Path) -> None:
    root = write(tmp_path, ROWS, {"iq": {"Levels": {"-999": words, "999": words}}})
    table, problems = read_participants(root, "iq")
    assert table["target"].tolist()[0] == 100.0
    assert table["target"].isna().tolist() == [False, True, True, True]
    said = [str(problem) for problem in problems]
    assert any(
        "column iq, sub-2: '-999' is a code for a missing value (3 such rows)" in line for line in said
    )
    assert all(problem.path == root / "participants.tsv" for problem in problems)


@pytest.mark.parametrize(
    "words",
    ["lowest possible", "missing limb", "no response", "not missing", "data of the first visit", 5, None],
)
def test_other_codes_are_values(words: object, tmp_path: Path) -> None:
    root = write(tmp_path, ROWS, {"iq": {"Levels": {"-999": words}}})
    table, problems = read_participants(root, "iq")
    assert table["target"].tolist() == [100.0, -999.0, -999.0, 999.0]
    assert not any("missing value" in str(problem) for problem in problems)


def test_age_and_sex_may_be_missing_too(tmp_path: Path) -> None:
    about = {"Age": {"Levels": {"-999": "missing"}}, "sex": {"Levels": {"O": "not reported", "F": "female"}}}
    table, problems = read_participants(write(tmp_path, ROWS, about))
    np.testing.assert_array_equal(table["age"], [20.0, np.nan, 30.0, 40.0])
    assert table["sex"].tolist() == ["F", None, "M", "M"]
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("about", "years"),
    [
        ({"Units": "months"}, 20 / 12),
        ({"Units": "Month"}, 20 / 12),
        ({"Units": "months (at the first visit)"}, 20 / 12),
        ({"Description": "Age in months"}, 20 / 12),
        ({"Units": "weeks"}, 20 * 7 / 365.25),
        ({"Units": "days"}, 20 / 365.25),
    ],
)
def test_ages_in_other_units_are_converted(about: object, years: float, tmp_path: Path) -> None:
    table, problems = read_participants(write(tmp_path, ["sub-1\t20\tF\t1"], {"age": about}), "age")
    assert table["age"].tolist() == pytest.approx([years])
    assert table["target"].tolist() == pytest.approx([years])
    (problem,) = problems
    assert "participants.json says that ages are in" in problem.reason
    assert problem.action == "converted to years"


def test_an_age_of_many_months_is_believed(tmp_path: Path) -> None:
    rows = ["sub-1\t360\tF\t1", "sub-2\t3600\tF\t1"]
    table, problems = read_participants(write(tmp_path, rows, {"age": {"Units": "months"}}))
    assert table["age"].tolist()[0] == 30.0
    assert np.isnan(table["age"].tolist()[1])
    assert len(problems) == 2


@pytest.mark.parametrize(
    "about",
    [{"Units": "years"}, {"Units": "yr"}, {"Units": "a"}, {"Units": ""}, {}, "n/a", {"Units": "Years old"}],
)
def test_ages_in_years_stay(about: object, tmp_path: Path) -> None:
    table, problems = read_participants(write(tmp_path, ["sub-1\t20\tF\t1"], {"age": about}))
    assert table["age"].tolist() == [20.0]
    assert problems == []


def test_ages_in_an_unknown_unit_are_missing(tmp_path: Path) -> None:
    table, problems = read_participants(write(tmp_path, ["sub-1\t20\tF\t1"], {"age": {"Units": "decades"}}))
    assert table["age"].isna().all()
    (problem,) = problems
    assert "participants.json says that ages are in 'decades', a unit that is not known" in problem.reason
    assert problem.action == "read as missing age"


@pytest.mark.parametrize("content", ["{", "[]", '"text"'])
def test_a_damaged_description_is_said(content: str, tmp_path: Path) -> None:
    table, problems = read_participants(write(tmp_path, ["sub-1\t20\tF\t1"], content))
    assert table["age"].tolist() == [20.0]
    (problem,) = problems
    assert problem.path.name == "participants.json"
    assert "read without it" in problem.action
