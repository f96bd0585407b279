"""Contradictions within the published tables, each with its arithmetic; no measured number enters."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from vtryon.deploy.energy import BUDGET_WH, inferences

Lines = Sequence[Mapping[str, str]]  # of a paper.csv
MIB_PER_M = 4e6 / 2**20  # of a million fp32 parameters
HOLDS, CONTRADICTION, UNCHECKED = "holds", "contradiction", "not checked"
SLACK = 0.02  # share: more than rounding to the printed digits explains


class Finding(NamedTuple):
    """A contradiction, or a relation that was checked and holds."""

    exhibit: str
    claim: str
    arithmetic: Sequence[str]
    verdict: str


Checked = tuple[str, list[str], bool | None]  # claim, arithmetic, whether it holds; None: could not be checked


def lint(exhibit: str, paper: Lines) -> list[Finding]:
    """Check a published table against itself.

    Args:
        exhibit: name of the table, such as "t2"; one without checks has no findings.
        paper: the lines of its paper.csv.
    """
    verdicts = {True: HOLDS, False: CONTRADICTION, None: UNCHECKED}
    findings = []
    for check in CHECKS.get(exhibit, ()):
        claim, arithmetic, holds = check(paper)
        findings.append(Finding(exhibit, claim, arithmetic, verdicts[holds]))
    return findings


def sizes_against_parameters(lines: Lines) -> Checked:
    """Four bytes a parameter: SIZE(MB) in MiB has to be 3.8147 times Para(M)."""
    arithmetic, contradicting = [], 0
    for line in lines:
        params, size = float(line["params_m"]), float(line["size_mb"])
        expected = params * MIB_PER_M
        gap = expected / size - 1
        contradicting += abs(gap) > SLACK
        arithmetic.append(f"{line['name']}: {params:g} M x 4 B = {expected:.1f} MiB, printed {size:g} ({gap:+.0%})")
    claim = f"parameters against size: {contradicting} of {len(lines)} rows contradict themselves"
    return claim, arithmetic, contradicting == 0


def sizes_follow_from_ratio(lines: Lines) -> Checked:
    """Pruning a share r of the channels leaves about (1 - r)^2 of the weights: input and output channels both go."""
    dense_params, dense_size = float(lines[0]["params_m"]), float(lines[0]["size_mb"])
    arithmetic, largest_gap = [], 0.0
    for line in lines[1:]:
        ratio = float(line["ratio"])
        expected = (1 - ratio) ** 2
        params, size = float(line["params_m"]) / dense_params, float(line["size_mb"]) / dense_size
        largest_gap = max(largest_gap, abs(params - expected), abs(size - expected))
        arithmetic.append(
            f"ratio {ratio:g}: (1-r)^2 = {expected:.3f}; printed size keeps {size:.3f}, parameters {params:.3f}"
        )
    claim = "sizes and parameters follow (1 - ratio)^2, as they must within a few hundredths"
    if largest_gap > 0.06:
        claim = "the sizes follow (1 - ratio)^2, the parameters fall in a straight line: they cannot be of one network"
    return claim, arithmetic, largest_gap <= 0.06


def scopes_of_table_1(lines: Lines) -> Checked:
    """Table 1's module is one FeatureEncoder of two; its total is the whole AFWM."""
    arithmetic, remainders = [], []
    for line in lines:
        module, total = float(line["size_mb"]), float(line["total_size_mb"])
        remainders.append(total - 2 * module)
        arithmetic.append(
            f"{line['name']}: {total:g} - 2 x {module:g} = {remainders[-1]:.2f} MiB for pyramids and flow network"
        )
    claim = (
        "two scopes in one table: GFLOPs, Para and SIZE are of one FeatureEncoder, Total SIZE is of the whole AFWM; "
        "what is left for its other layers does not fall steadily with the ratio, and at 0.4 it is all but nothing"
    )
    return claim, arithmetic, remainders == sorted(remainders, reverse=True) and min(remainders) > 1


def percentages(lines: Lines) -> Checked:
    """Compression ratio and FID loss, recomputed from the columns that they are made of."""
    dense_size, dense_fid = float(lines[0]["total_size_mb"]), float(lines[0]["fid"])
    arithmetic, holds = [], True
    for line in lines[1:]:
        ratio = 100 * float(line["total_size_mb"]) / dense_size
        loss = 100 * (float(line["fid"]) / dense_fid - 1)
        gaps = ratio - float(line["compression_ratio_pct"]), loss - float(line["fid_loss_pct"])
        holds &= max(abs(gaps[0]), abs(gaps[1])) < 0.02
        arithmetic.append(
            f"{line['name']}: {ratio:.2f} % (printed {line['compression_ratio_pct']}), "
            f"{loss:.2f} % (printed {line['fid_loss_pct']})"
        )
    return "compression ratio and FID loss follow from the sizes and FIDs beside them", arithmetic, holds


def average_time(lines: Lines) -> Checked:
    """Table 5: the average's 0.029 s against its own rows, rate and acceleration."""
    mean = lines[-1]
    printed, loop = float(mean["img2col_s"]), float(mean["corr_torch_s"])
    acceleration, rate = float(mean["acceleration"]), float(mean["fps"])
    arithmetic = []
    for line in lines[:-1]:
        seconds = float(line["img2col_s"]) / float(line["runs"])
        arithmetic.append(f"{line['img2col_s']} s / {line['runs']} runs = {seconds:.4f} s")
    arithmetic.append(f"{loop} s / {acceleration} = {loop / acceleration:.4f} s")
    arithmetic.append(f"1 / {rate} a second = {1 / rate:.4f} s")
    arithmetic.append(
        f"printed {printed} s, which would be {loop / printed:.1f} times as fast; 0.0929 s fits all of them"
    )
    claim = f"the average of {printed} s follows from nothing else in the table"
    return claim, arithmetic, abs(printed * acceleration / loop - 1) < SLACK


def rates(lines: Lines) -> Checked:
    """Table 5: runs a second, recomputed from runs and seconds."""
    arithmetic, holds = [], True
    for line in lines[:-1]:
        rate = float(line["runs"]) / float(line["img2col_s"])
        holds &= abs(rate / float(line["fps"]) - 1) < SLACK
        arithmetic.append(
            f"n={line['runs']}: {line['runs']} / {line['img2col_s']} s = {rate:.2f} a second, printed {line['fps']}"
        )
    return "runs a second follow from runs and seconds", arithmetic, holds


def quantized_sum(lines: Lines) -> Checked:
    """Table 4: the size of both modules quantized is the sum of theirs."""
    size = {line["optimization"]: float(line["quantized_mb"]) for line in lines}
    total, printed = size["quantize CWM"] + size["quantize IGM"], size["quantize CWM & IGM"]
    arithmetic = f"{size['quantize CWM']:g} + {size['quantize IGM']:g} = {total:.2f} MB, printed {printed:g}"
    return "the quantized sizes add up", [arithmetic], abs(total - printed) < 0.01


def swapped_axes(_: Lines) -> Checked:
    """F14 is known by its description only; the arithmetic tells its axes apart whatever their titles are."""
    fewest = inferences(0.59, 10, BUDGET_WH)  # the full network in fp32 at a Nano's peak
    claim = (
        "the plot's axis titles are reported to be exchanged; its values are not at hand, so this was not checked. "
        "The numbers on an axis tell which quantity it shows"
    )
    arithmetic = [
        "SSIM is at most 1, so no axis of it runs beyond 1",
        f"{BUDGET_WH:g} Wh x 3600 s/h / (10 W x 0.59 s) = {fewest:,.0f} try-ons of the full network at the fp32 peak",
        "an axis titled accuracy that runs into thousands counts try-ons, one titled inferences below 1 is the SSIM",
    ]
    return claim, arithmetic, None


CHECKS: Mapping[str, Sequence[Callable[[Lines], Checked]]] = {
    "t1": (scopes_of_table_1, sizes_against_parameters, percentages),
    "t2": (sizes_against_parameters, sizes_follow_from_ratio, percentages),
    "t4": (quantized_sum,),
    "t5": (average_time, rates),
    "f14": (swapped_axes,),
}
