"""The command `sparseeg report`: the page about a run."""

from pathlib import Path
from typing import Annotated

import typer

from sparseeg.cli.options import OUTPUT, Jobs, name_list, option
from sparseeg.cli.screen import say, writing
from sparseeg.errors import SparseEEGError


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, folder of scores, or comparison.")],
    models: Annotated[
        list[str] | None,
        option(OUTPUT, "Two models of a comparison to compare person by person.", metavar="NAME"),
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Write report.html: the scores of a run, how far to trust them, and what its network looked at.

    The page is one file that needs no network. It reads the run's data again,
    and is written without the last part where they are gone. Of a comparison,
    it is compare.html.
    """
    from sparseeg.cli.reading import read_windows
    from sparseeg.report.comparison_page import write_comparison_page
    from sparseeg.report.page import write_report
    from sparseeg.report.score_table import read_metrics
    from sparseeg.training.config import TrainConfig
    from sparseeg.training.subjects import SHARED

    compared = any((run / name).exists() for name in (SHARED, "compare.tsv"))
    if compared and not (run / "config.yaml").exists():
        with writing(run):
            say(f"wrote {write_comparison_page(run, name_list(models, '--models'))}")
        return
    if models is not None:
        raise SparseEEGError(f"--models is for a comparison, and {run} is none; leave it out")
    read_metrics(run)
    windows, reason = None, ""
    if not (run / "config.yaml").exists():
        if (run / "report.html").exists():
            raise SparseEEGError(
                f"{run} holds scores on other data, and their report.html; to write it anew, use "
                "`sparseeg evaluate RUN --data PATH` again"
            )
        reason = "these are scores on other data, of which `sparseeg evaluate RUN --data PATH` shows it"
    else:
        try:
            windows = read_windows(TrainConfig.read(run).data, jobs)
        except SparseEEGError as error:
            reason = f"the run's data can't be read ({error})"
            say(reason)
    with writing(run):
        say(f"wrote {write_report(run, windows=windows, reason=reason)}")
