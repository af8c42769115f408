"""The command line: `neurosim demo`, `train`, `verify`, ...; each command is a thin wrapper."""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from neurosim import __version__
from neurosim.errors import InputError, NeurosimError

app = typer.Typer(
    help="Train spiking nets with stochastic thresholds, put them on Xylo, verify every spike.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()


class Chip(StrEnum):
    """Chips that a net can be deployed on."""

    audio2 = "xylo-audio-2"
    audio3 = "xylo-audio-3"
    imu = "xylo-imu"


def main() -> None:
    """Run the command line.

    What is known to go wrong is one line on stderr and an exit status: 2 wrong input, 3 something
    the environment lacks, 4 anything else that fails, 130 interrupted; 1 is kept for engines that
    differ.
    """
    warnings.showwarning = _show_warning
    arguments = sys.argv[1:] or ["--help"]
    try:
        sys.exit(app(arguments, standalone_mode=False) or 0)
    except NeurosimError as error:
        _stop(str(error), error.exit_status)
    except (KeyboardInterrupt, typer.Abort):
        _stop("interrupted", 130)
    except OSError as error:
        _stop(f"{error.filename or 'a file'}: {error.strerror or error}", 3)
    except Exception as error:
        if hasattr(error, "format_message"):  # how the parser says that a command is misspelt
            _stop(f"{error.format_message()} (see neurosim --help)", 2)
        traceback.print_exc()
        sys.exit(4)


def _stop(message: str, status: int) -> NoReturn:
    sys.stderr.write(f"neurosim: {' '.join(message.split())}\n")
    sys.exit(status)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    sys.stderr.write(f"neurosim: warning: {message}\n")


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Spiking nets from equations to chip."""


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option(help="Folder; runs/demo, or runs/demo-fast.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Fewer epochs: under a minute.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, batches, thresholds.")] = 0,
) -> None:
    """Train a fixed and an ASPEN net, deploy, verify and sweep the runtime threshold."""
    from neurosim.experiments.demo import run_demo
    from neurosim.report.demo import publish

    out = out or Path("runs/demo-fast" if fast else "runs/demo")
    result = run_demo(out, fast=fast, seed=seed, console=console)
    publish(result, out, console)
    raise typer.Exit(0 if result.exact else 1)


@app.command()
def train(
    source: Annotated[str, typer.Argument(help="A preset (fixed, aspen) or a TOML file.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the preset's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the preset's.")] = None,
) -> None:
    """Train a net on the wrist recordings and save the run."""
    from neurosim.experiments.progress import train_with_progress

    changes: dict[str, Any] = {
        k: v for k, v in {"epochs": epochs, "seed": seed}.items() if v is not None
    }
    run = train_with_progress(source, folder=out, console=console, **changes)
    last = run.metrics[-1]
    console.print(f"validation accuracy {last['validation_accuracy']:.3f}; saved in {run.folder}")


@app.command()
def deploy(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    chip: Annotated[Chip, typer.Option(help="The chip.")] = Chip.imu,
) -> None:
    """Map and quantise a run's net; writes spec.safetensors beside it."""
    from neurosim.experiments.deployment import deploy_run

    spec, path = deploy_run(run, chip.value)
    console.print(
        f"{spec.hidden} hidden and {spec.outputs} output neurons for {spec.chip}, saved in {path}"
    )


@app.command()
def verify(
    target: Annotated[Path, typer.Argument(help="A demo folder, a run, or a spec file.")],
    against: Annotated[
        list[str] | None, typer.Option(help="Engines; the first is compared.")
    ] = None,
    raster: Annotated[
        Path | None, typer.Option(help="Events as .npy instead of test windows.")
    ] = None,
    thresholds: Annotated[bool, typer.Option("--thresholds", help="At all ten scales.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the test windows in two engines and compare every spike and state."""
    from neurosim.experiments.verification import table, verify_target

    engines = tuple(against) if against else ("brian2", "xylosim")
    reports = verify_target(
        target,
        engines,
        raster_file=raster,
        all_thresholds=thresholds,
        console=None if as_json else console,
    )
    exact = all(report.exact for report in reports.values())
    if as_json:
        shown = {name: report.to_dict() for name, report in reports.items()}
        typer.echo(json.dumps({"exact": exact, "reports": shown}, indent=2))
    else:
        console.print(table(reports))
    raise typer.Exit(0 if exact else 1)


@app.command()
def equations(
    name: Annotated[
        str | None, typer.Argument(help="A model or rule; all are listed without.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw its response and f-I curve.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for PNG and PDF.")] = Path("runs/figures"),
) -> None:
    """List the equations, or print one: equations, parameters, reference."""
    from neurosim import equations as library

    if name is None:
        console.print(library.catalogue())
        return
    console.print(library.describe(name), markup=False, highlight=False, soft_wrap=True)
    if plot:
        from neurosim.figures import equation, style

        figure = equation.draw(equation.compute(name))
        paths = style.save(figure, out / f"equation-{name}")
        console.print(f"drawn: {', '.join(map(str, paths))}", soft_wrap=True)


@app.command()
def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all without.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for PNG and PDF files.")] = Path("runs/figures"),
) -> None:
    """Compute and draw figures."""
    from neurosim import figures as gallery

    for name in names or gallery.names():
        gallery.get(name)
    for name in names or gallery.names():
        with console.status(f"{name} ..."):
            paths = gallery.make(name, out)
        console.print(f"{gallery.get(name).TITLE}: {', '.join(map(str, paths))}", soft_wrap=True)


@app.command()
def analyse(
    what: Annotated[str | None, typer.Argument(help="`network`; the findings without.")] = None,
    run: Annotated[Path | None, typer.Argument(help="Folder of a run, after `network`.")] = None,
) -> None:
    """Print what theory found about thresholds, or what it predicts for a trained net."""
    from neurosim import figures as gallery

    if what is None:
        for name, (title, paragraph) in gallery.findings().items():
            console.print(f"[bold]{title}[/] (neurosim figures {name})")
            console.print(f"{' '.join(paragraph.split())}\n", markup=False, highlight=False)
        return
    if what != "network" or run is None:
        raise InputError(f"analyse {what}: say `analyse`, or `analyse network RUN`")
    from neurosim.experiments import network_theory

    with console.status("solving every neuron's rate ..."):
        theory = network_theory.study_run(run)
    console.print(network_theory.show(theory))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all without.")] = None,
) -> None:
    """Run the benchmarks of a checkout: ratios measured in one run."""
    from neurosim.experiments.benchmarks import run_benchmarks

    run_benchmarks(names or [], console)


@app.command()
def doctor(
    clear_cache: Annotated[bool, typer.Option("--clear-cache", help="Empty it.")] = False,
) -> None:
    """Say what this machine offers: versions, compiler, data, cache."""
    from neurosim.experiments import doctor as examination

    if clear_cache:
        console.print(f"cleared {examination.clear_cache() / 1e6:.1f} MB")
    console.print(examination.table())
