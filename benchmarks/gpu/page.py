"""Write the results of the GPU benchmarks as a page.

python benchmarks/gpu/page.py IN.jsonl OUT.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ledger import read

Line = dict[str, Any]


def page(lines: list[Line]) -> str:
    """Return the page."""
    steps = {"machine": machine, "compare": compare, "triton": triton, "layers": layers,
             "images": images, "networks": networks}  # fmt: skip
    parts = ["# neurosim on a GPU", "Written by `benchmarks/gpu/run.sh` from `results.jsonl`."]
    for name, draw in steps.items():
        mine = [line for line in lines if line["step"] == name]
        if mine:
            parts += draw(mine)
    notes = [f"- {line['text']}" for line in lines if line["step"] == "note"]
    if notes:
        parts += ["## Notes", "\n".join(notes)]
    if not any(line["step"] == "networks" for line in lines):
        parts += [
            "## Not here",
            "Networks of neurons (CUBA, Brunel): their programs compile, and no card has run them "
            "yet (`benchmarks/gpu/run.sh --only networks`).",
        ]
    return "\n\n".join(parts) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def machine(lines: list[Line]) -> list[str]:
    """Say on what all this was measured."""
    keys = [k for k in lines[0] if k not in ("step", "case")]
    rows = [[key, *(str(line.get(key, "")) for line in lines)] for key in keys]
    return ["## Machine", table(["", *(f"run {k + 1}" for k in range(len(lines)))], rows)]


def compare(lines: list[Line]) -> list[str]:
    """Say how models agree."""
    good = sum(bool(line["ok"]) for line in lines)
    rows = []
    for line in lines:
        error = line.get("error", "")
        note = f"z = {line['z']}" if "z" in line else error
        if isinstance(error, float) and "z" not in line:
            note = f"{error:.1e}"
        rows.append([
            line["case"], line["card"].removeprefix("NVIDIA ").split()[0], line["verdict"],
            "" if line["ok"] else "**no**", str(line.get("n", "")),
            str(line.get("spikes", "")), str(note).replace("|", "/").replace("\n", " ")[:160],
            str(line.get("built_s", "")), str(line.get("warm_s", "")),
        ])  # fmt: skip
    text = (
        "Spikes and traces on the card against the same program on the processor (nets and units "
        f"against the library or numpy): {good} of {len(lines)} agree. `rounding`: traces agree to "
        "1e-9 of their range up to the first spike that differs. `statistical`: random numbers are "
        "others, the mean counts of spikes agree, |z| < 4. Every population was run twice with one "
        "seed and gave the same to the bit, or it counts as no agreement. Times are those of up to "
        "16 cases at once on one card."
    )
    head = [
        "model",
        "card",
        "verdict",
        "differs",
        "neurons",
        "spikes",
        "error, z",
        "built, s",
        "again, s",
    ]
    return ["## Models against the processor", text, table(head, rows)]


def triton(lines: list[Line]) -> list[str]:
    """Say how the tests of the kernels ended."""
    rows = []
    for line in lines:
        if "differing_spikes" in line:
            rows.append(
                f"{line['case']} (samples, steps, neurons), float32: {line['spikes']} spikes, "
                f"{line['differing_spikes']} differ; {line['differing_membranes']} membranes "
                f"at the end; gradients to {line['gradient_error']:.1e} of the largest, "
                f"{line['equal_gradients']:.1%} of them to the bit."
            )
            continue
        failures = " ".join(f"`{failure}`" for failure in line["failures"])
        counts = ", ".join(f"{line.get(k, 0)} {k}" for k in ("passed", "failed", "skipped"))
        rows.append(f"{line['case']}: {counts}. {failures}")
    return ["## Triton kernels against numba's", *rows]


def layers(lines: list[Line]) -> list[str]:
    """Show training steps of dense nets."""
    parts = [
        "## Training steps of dense nets",
        "Milliseconds, least (and median) of the rounds; the ratio is to neurosim's LIF. Rows of "
        "neurons without a synaptic current compute less.",
    ]
    for line in lines:
        rows = line["rows"]
        ours = rows.get("neurosim LIF", rows.get("triton kernels"))
        shown = []
        for name, row in rows.items():
            median = f" ({row['median_ms']:.2f})" if "median_ms" in row else ""
            share = row.get("share_of_bandwidth")
            if share is None and row is ours:
                share = line.get("share_of_bandwidth")
            ratio = f"{row['least_ms'] / ours['least_ms']:.1f}" if ours else ""
            shown.append([
                name, f"{row['least_ms']:.2f}{median}", ratio,
                "" if share is None else f"{share:.1%}",
                f"{row['spikes']:.2f}" if "spikes" in row else "",
            ])  # fmt: skip
        shown += [[name, "failed", "", "", reason] for name, reason in line["failed"].items()]
        copies = (
            f" Copies on this card: {line['copies_GB_s']:.0f} GB/s."
            if "copies_GB_s" in line
            else ""
        )
        parts += [
            f"**{line['case']}** ({line['card']}).{copies}",
            table(["", "ms", "/ ours", "of copy bandwidth", "spikes a step"], shown),
        ]
    return parts


def images(lines: list[Line]) -> list[str]:
    """Show convolutional nets."""
    rows = []
    for line in lines:
        if "failed" in line:
            rows.append([line["case"], "failed: " + line["failed"][:120], "", "", "", ""])
            continue
        low, high = line["homeostat_cost_quartiles"]
        peak = line["step_peak_MB"]
        rows.append([
            line["case"], str(line["batch"]), f"{line['images_s']:.0f}",
            f"{line['images_s_homeostat']:.0f}",
            f"{line['homeostat_cost']:.1%} ({low:.1%} .. {high:.1%})",
            "" if peak is None else f"{peak:.0f}",
        ])  # fmt: skip
    head = ["net", "batch", "images/s", "with AHSAR", "its cost (middle half)", "a step's peak MB"]
    return ["## Convolutional nets, 3x32x32, T = 6", table(head, rows)]


def networks(lines: list[Line]) -> list[str]:
    """Show networks of neurons."""
    rows = []
    for line in lines:
        if "error" in line:
            rows.append([line["case"], "**no**", *[""] * 5, line["error"][:120]])
            continue
        rows.append([
            line["case"], "" if line["ok"] else "**no**", str(line["n"]),
            f"{line['rate']:.2f} ({line['rate_reference']:.2f})",
            f"{line['same_first_spikes']} of {line['spikes']}" if line["case"].startswith("CUBA")
            else "random input",
            f"{line['run_s'] / line['biological_s']:.2f}",
            f"{line['run_s_reference'] / line['biological_s']:.2f}", f"{line['built_s']}",
        ])  # fmt: skip
    head = ["network", "differs", "neurons", "Hz (processor)", "first spikes that are the same",
            "seconds a biological second", "on the processor", "built, s"]  # fmt: skip
    text = (
        "Mean rates must agree to 5 %; sums have another order, so that single spikes part in time."
    )
    return ["## Networks of neurons", text, table(head, rows)]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(read(Path(sys.argv[1]))))
