"""`--help` of every command: grouped, whole at 80 columns, and a text for each option."""

import re

import pytest
from typer.main import get_command

from sparseeg.cli import app
from sparseeg.training.config import PretrainConfig, TrainConfig

ROOT = get_command(app)
BENCH = ROOT.commands["bench"]
COMMANDS = {
    **{(name,): command for name, command in ROOT.commands.items() if name != "bench"},
    **{("bench", name): command for name, command in BENCH.commands.items()},
}
WIDTH = 80
MOST_ROWS = 3  # two of text, and one for the default
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(params=COMMANDS, ids=" ".join)
def words(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


@pytest.fixture
def lines(words: tuple[str, ...], sparseeg, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", WIDTH)
    code, text = sparseeg(*words, "--help")
    assert code == 0
    return COLOURS.sub("", text).splitlines()


def options(words: tuple[str, ...]) -> list:
    return [one for one in COMMANDS[words].params if one.param_type_name == "option"]


def test_every_option_has_a_group_and_a_text(words: tuple[str, ...]) -> None:
    for one in options(words):
        assert one.rich_help_panel, one.name
        assert one.help.endswith("."), one.name


def test_help_is_whole_at_80_columns(words: tuple[str, ...], lines: list[str]) -> None:
    assert "Usage: " in "".join(lines)
    assert max(map(len, lines)) <= WIDTH
    assert not [line for line in lines if "…" in line]
    text = "\n".join(lines)
    for one in options(words):
        assert all(re.search(rf"{name}(\s|$)", text) for name in (*one.opts, *one.secondary_opts))
        assert f"─ {one.rich_help_panel} ─" in text


def test_help_of_an_option_is_short(lines: list[str]) -> None:
    rows: list[list[str]] = []
    for line in lines:
        if re.match(r"│ [ *] *--|│ --", line):
            rows.append([line])
        elif line.startswith("│") and rows:
            rows[-1].append(line)
        else:
            rows.append([])
    for row in rows:
        text = [line for line in row if not re.fullmatch(r"│ +\[(required|default: .*)\] +│", line)]
        assert len(text) <= 2, "\n".join(row)
        assert len(row) <= MOST_ROWS, "\n".join(row)


@pytest.mark.parametrize("name", ["train", "pretrain", "compare"])
def test_the_command_has_the_groups_of_the_guide(name: str) -> None:
    groups = list(dict.fromkeys(one.rich_help_panel for one in options((name,))))
    assert [group for group in groups if group in ("Data", "Split", "Network", "Training", "Output")] == [
        *("Data", "Split", "Network", "Training", "Output")
    ]


def test_paragraphs_below_the_first_fit_as_they_are_written(words: tuple[str, ...]) -> None:
    below = COMMANDS[words].help.partition("\n\n")[2]
    assert all(len(line) <= WIDTH - 2 for line in below.splitlines())


@pytest.mark.parametrize(("name", "config"), [("train", TrainConfig), ("pretrain", PretrainConfig)])
def test_defaults_are_those_of_the_configuration(name: str, config: type) -> None:
    data = {"path": ["data"]}
    defaults = config(data=data, model="sparse-attention-locator")
    shown = {one.name: one.default for one in options((name,)) if one.default is not None}
    sections = (defaults, defaults.data, defaults.split.model_copy(update={"kind": defaults.split.kind}))
    compared = set()
    for section in sections:
        for field in type(section).model_fields:
            if field in shown and field not in ("data", "split", "model"):
                assert shown[field] == getattr(section, field), field
                compared.add(field)
    assert shown.pop("split", "subjects") == defaults.split.kind
    assert compared >= {"seed", "device", "precision"}
