"""`neurosim verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console
from neurosim.errors import InputError

_WHAT = "A run, a network, a spec, a case, a module saved by rockpool, a NIR file, a demo folder."


def verify(
    target: Annotated[Path | None, typer.Argument(help=_WHAT)] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Engines, the first against each other one; repeatable."),
    ] = None,
    raster: Annotated[
        str | None, typer.Option(help="Events as .npy, .npz or .csv, or wrist-imu, digits, random.")
    ] = None,
    thresholds: Annotated[
        bool, typer.Option("--thresholds", help="At all ten threshold scales.")
    ] = False,
    ladder: Annotated[
        bool, typer.Option("--ladder", help="All rungs, from theory to chip.")
    ] = False,
    chip: Annotated[str, typer.Option(help="Where the ladder deploys a net.")] = "xylo-imu",
    report: Annotated[Path | None, typer.Option(help="Write an HTML page there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Rounding fails, too: status 1 unless identical.")
    ] = False,
    dt: Annotated[float | None, typer.Option(help="Time step of a NIR file without one.")] = None,
    source: Annotated[str | None, typer.Option(help="Library that wrote a NIR file.")] = None,
    reset: Annotated[
        str | None,
        typer.Option(help="How a NIR file's neurons reset: value, subtract, or these -late."),
    ] = None,
    expected: Annotated[
        Path | None, typer.Option(help="Output spikes of a NIR file's own source, .npy or .npz.")
    ] = None,
    fuzz: Annotated[
        int | None, typer.Option(min=1, help="Compare on this many random chip nets instead.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of --fuzz.")] = 0,
    samples: Annotated[
        int | None,
        typer.Option(min=1, help="Compare only so many, drawn at random; says what that proves."),
    ] = None,
) -> None:
    """Compare engines spike by spike, climb the ladder of equivalence, or fuzz."""
    if (target is None) == (fuzz is None):
        raise InputError("verify needs a TARGET, or --fuzz N: give one of them")
    if samples is not None and (ladder or fuzz is not None):
        raise InputError("--samples is for a plain comparison; leave it out with --ladder, --fuzz")
    if fuzz is not None:
        _fuzz(fuzz, seed, as_json)
    assert target is not None
    from neurosim import engines as registry

    for engine in against or ():
        registry.check(engine)
    from neurosim.report.verification import table
    from neurosim.workflows import verification

    nets, events = verification.prepare(target, raster, dt=dt, source=source, reset=reset)
    shown = None if as_json else console
    engines = tuple(against or ())
    if ladder:
        ladders = verification.climb_targets(
            nets, events, chip=chip, against=engines, console=shown
        )
        _show_ladders(ladders, report, as_json, strict)
    reports = verification.verify_targets(
        nets,
        events,
        engines,
        all_thresholds=thresholds,
        expected=expected,
        samples=samples,
        console=shown,
    )
    if report is not None:
        from neurosim.verify.report import save_all

        save_all(reports, report, events.origin)
    passed = all(r.passed for r in reports.values())
    exact = all(r.exact for r in reports.values())
    if as_json:
        whole = {"exact": exact, "passed": passed, "events": events.origin}
        whole["reports"] = {name: r.to_dict() for name, r in reports.items()}
        typer.echo(json.dumps(whole, indent=2))
    else:
        console.print(table(reports, events.origin))
    raise typer.Exit(0 if exact or (passed and not strict) else 1)


def _show_ladders(ladders: dict, report: Path | None, as_json: bool, strict: bool) -> None:
    """Print and write all ladders; ends the command."""
    pages = {}
    for name, climbed in ladders.items():
        if report is not None:
            own = report if len(ladders) == 1 else report.with_stem(f"{report.stem}-{name}")
            pages[name] = str(climbed.save(own))
    passed = all(climbed.passed for climbed in ladders.values())
    if as_json:
        rungs = {name: climbed.to_dict() for name, climbed in ladders.items()}
        typer.echo(json.dumps({"passed": passed, "ladders": rungs}, indent=2))
    else:
        for name, climbed in ladders.items():
            console.print(climbed.table(name))
        for page in pages.values():
            console.print(f"page: {page}", soft_wrap=True)
    exact = all(climbed.exact for climbed in ladders.values())
    raise typer.Exit(0 if exact or (passed and not strict) else 1)


def _fuzz(count: int, seed: int, as_json: bool) -> None:
    """Compare Brian2 and XyloSim on random nets; ends the command."""
    from neurosim.progress import bar
    from neurosim.verify.fuzz import Fuzz, fuzz

    with bar(None if as_json else console) as progress:
        task = progress.add_task("fuzz", total=count, note="")

        def show(so_far: Fuzz) -> None:
            note = f"{so_far.spikes:,} spikes, {len(so_far.failures)} disagreements"
            progress.update(task, completed=so_far.cases, note=note)

        result = fuzz(count, seed, progress=show)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), indent=2))
    else:
        met = ", ".join(f"{name} {n}" for name, n in sorted(result.met.items()))
        console.print(
            f"{result.cases:,} nets, {result.spikes:,} spikes, {result.values:,} values, "
            f"{len(result.failures)} disagreements in {result.seconds:.0f} s (seed {seed}). "
            f"Among them: {met}."
        )
        for failure in result.failures:
            console.print(failure, style="red", soft_wrap=True)
    raise typer.Exit(0 if result.exact else 1)
