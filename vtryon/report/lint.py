"""What the published tables say against themselves, with the arithmetic; nothing measured enters."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from vtryon.deploy.energy import BUDGET_WH, inferences

Lines = Sequence[Mapping[str, str]]  # of a paper.csv
MIB_PER_M = 4e6 / 2**20  # of a million fp32 parameters
HOLDS, CONTRADICTION, UNCHECKED = "holds", "contradiction", "not checked"
SLACK = 0.02  # share: more than any printed digit rounds away


class Finding(NamedTuple):
    """A contradiction, or what was looked at and holds."""

    exhibit: str
    says: str
    arithmetic: Sequence[str]
    verdict: str


def lint(papers: Mapping[str, Lines]) -> list[Finding]:
    """Look through the tables that there are: exhibit name → lines of its paper.csv."""
    return [
        finding
        for name, checks in CHECKS.items()
        if name in papers
        for check in checks
        for finding in check(papers[name])
    ]


def size_against_parameters(name: str) -> Callable[[Lines], list[Finding]]:
    """Four bytes a parameter: SIZE(MB) in MiB has to be 3.8147 times Para(M)."""

    def check(lines: Lines) -> list[Finding]:
        sums, off = [], 0
        for line in lines:
            params, size = float(line["params_m"]), float(line["size_mb"])
            expected = params * MIB_PER_M
            gap = expected / size - 1
            off += abs(gap) > SLACK
            sums.append(f"{line['name']}: {params:g} M x 4 B = {expected:.1f} MiB, printed {size:g} ({gap:+.0%})")
        return [
            Finding(
                name,
                f"parameters against size: {off} of {len(lines)} rows contradict themselves",
                sums,
                _judged(off == 0),
            )
        ]

    return check


def follows_from_ratio(lines: Lines) -> list[Finding]:
    """A share r of the channels takes about 1 - (1 - r)^2 of a layer's weights: rows and columns both go."""
    first, sums = lines[0], []
    whole, size = float(first["params_m"]), float(first["size_mb"])
    for line in lines[1:]:
        r = float(line["ratio"])
        kept, weight = float(line["params_m"]) / whole, float(line["size_mb"]) / size
        sums.append(
            f"ratio {r:g}: (1-r)^2 = {(1 - r) ** 2:.3f}; printed size keeps {weight:.3f}, parameters {kept:.3f}"
        )
    gaps = [
        abs(float(line[key]) / float(first[key]) - (1 - float(line["ratio"])) ** 2)
        for key in ("size_mb", "params_m")
        for line in lines[1:]
    ]
    says = "sizes and parameters follow (1 - ratio)^2, as they must within a few hundredths"
    if max(gaps) > 0.06:
        says = "the sizes follow (1 - ratio)^2, the parameters fall in a straight line: they cannot be of one network"
    return [Finding("t2", says, sums, _judged(max(gaps) <= 0.06))]


def module_scope(lines: Lines) -> list[Finding]:
    """Table 1's module is one FeatureEncoder of two; its total is the whole AFWM."""
    sums = []
    for line in lines:
        module, total = float(line["size_mb"]), float(line["total_size_mb"])
        rest = total - 2 * module
        sums.append(f"{line['name']}: {total:g} - 2 x {module:g} = {rest:.2f} MiB for pyramids and flow network")
    rests = [float(line["total_size_mb"]) - 2 * float(line["size_mb"]) for line in lines]
    says = (
        "two scopes in one table: GFLOPs, Para and SIZE are of one FeatureEncoder, Total SIZE is of the whole AFWM; "
        "what is left for the rest of it does not fall steadily with the ratio, and at 0.4 it is all but nothing"
    )
    return [Finding("t1", says, sums, _judged(rests == sorted(rests, reverse=True) and min(rests) > 1))]


def percentages(name: str) -> Callable[[Lines], list[Finding]]:
    """Compression ratio and FID loss, recomputed from the columns that they are made of."""

    def check(lines: Lines) -> list[Finding]:
        first = lines[0]
        whole, start = float(first["total_size_mb"]), float(first["fid"])
        sums, good = [], True
        for line in lines[1:]:
            ratio, loss = 100 * float(line["total_size_mb"]) / whole, 100 * (float(line["fid"]) / start - 1)
            gaps = ratio - float(line["compression_ratio_pct"]), loss - float(line["fid_loss_pct"])
            good &= max(map(abs, gaps)) < 0.02
            sums.append(
                f"{line['name']}: {ratio:.2f} % (printed {line['compression_ratio_pct']}), "
                f"{loss:.2f} % (printed {line['fid_loss_pct']})"
            )
        return [
            Finding(
                name, "compression ratio and FID loss follow from the sizes and FIDs beside them", sums, _judged(good)
            )
        ]

    return check


def average_time(lines: Lines) -> list[Finding]:
    """Table 5: the average's 0.029 s against its own rows, rate and acceleration."""
    runs, mean = lines[:-1], lines[-1]
    printed = float(mean["img2col_s"])
    each = [(line["runs"], float(line["img2col_s"]) / float(line["runs"])) for line in runs]
    loop, faster, fps = (float(mean[key]) for key in ("corr_torch_s", "acceleration", "fps"))
    sums = [f"{line['img2col_s']} s / {line['runs']} runs = {t:.4f} s" for line, (_, t) in zip(runs, each, strict=True)]
    sums += [f"{loop} s / {faster} = {loop / faster:.4f} s", f"1 / {fps} a second = {1 / fps:.4f} s"]
    sums.append(f"printed {printed} s, which would be {loop / printed:.1f} times as fast; 0.0929 s fits all of them")
    return [
        Finding(
            "t5",
            f"the average of {printed} s follows from nothing else in the table",
            sums,
            _judged(abs(printed * faster / loop - 1) < SLACK),
        ),
        *_rates(runs),
    ]


def _rates(runs: Lines) -> list[Finding]:
    sums, good = [], True
    for line in runs:
        rate = float(line["runs"]) / float(line["img2col_s"])
        good &= abs(rate / float(line["fps"]) - 1) < SLACK
        sums.append(
            f"n={line['runs']}: {line['runs']} / {line['img2col_s']} s = {rate:.2f} a second, printed {line['fps']}"
        )
    return [Finding("t5", "runs a second follow from runs and seconds", sums, _judged(good))]


def quantised_sum(lines: Lines) -> list[Finding]:
    """Table 4: both modules quantised are as large as each of them."""
    size = {line["optimization"]: float(line["quantized_mb"]) for line in lines}
    parts = size["quantize CWM"] + size["quantize IGM"]
    both = size["quantize CWM & IGM"]
    sums = [f"{size['quantize CWM']:g} + {size['quantize IGM']:g} = {parts:.2f} MB, printed {both:g}"]
    return [Finding("t4", "the quantised sizes add up", sums, _judged(abs(parts - both) < 0.01))]


def swapped_axes(_: Lines) -> list[Finding]:
    """F14 is kept here by its description only; what follows tells its axes apart whatever their titles say."""
    least = inferences(0.59, 10, BUDGET_WH)  # the full network in fp32 at a Nano's peak
    says = (
        "the plot's axis titles are reported to be exchanged; its values are not at hand, so this was not checked. "
        "The numbers on an axis say which one it is"
    )
    sums = [
        "SSIM is at most 1, so no axis of it runs beyond 1",
        f"{BUDGET_WH:g} Wh x 3600 s/h / (10 W x 0.59 s) = {least:,.0f} try-ons of the full network at the fp32 peak",
        "an axis titled accuracy that runs into thousands counts try-ons, one titled inferences below 1 is the SSIM",
    ]
    return [Finding("f14", says, sums, UNCHECKED)]


def _judged(good: bool) -> str:
    return HOLDS if good else CONTRADICTION


CHECKS: Mapping[str, Sequence[Callable[[Lines], list[Finding]]]] = {
    "t1": (module_scope, size_against_parameters("t1"), percentages("t1")),
    "t2": (size_against_parameters("t2"), follows_from_ratio, percentages("t2")),
    "t4": (quantised_sum,),
    "t5": (average_time,),
    "f14": (swapped_axes,),
}
