"""Tables 1 to 5 of the A16 project: what is printed there, and which run measures the same.

Printed "GFLOPs" are GMACs and printed "MB" are MiB (experiments/t1_cwm_pruning/README.md). Of the pruned rows only
ratio and outcome are published, not which channels went, so the measured ones need not agree with them.
"""

from vtryon.report.exhibit import DETERMINISTIC, STATISTICAL, Column, Exhibit, Recipe, Shown, Trend

VITON = (
    "VITON (data.root=DIR), full-width networks trained on it (runs/full, days on GPUs) and Inception's weights "
    "(inception=pt_inception-2015-12-05-6726825d.pth)"
)
SCORES = (
    Shown("M parameters", "cost", "params_m", 3),
    Shown("GMACs", "cost", "gmacs", 4),
    Shown("MiB", "cost", "mib", 2),
    Shown("MSE to unpruned", "scores", "unpaired/mse_to_teacher", 1),
    Shown("SSIM paired", "scores", "paired/ssim", 4),
    Shown("EPE px", "scores", "paired/epe", 2),
    Shown("FD effnet", "scores", "unpaired/fd_efficientnet", 1),
)
PARAMS, GMACS, MIB, PER_CENT = 0.001, 0.003, 0.005, 0.005  # the last printed digit, or little more


def _size(name: str, head: str, recipe: str, key: str, tolerance: float, **more) -> Column:
    return Column(name, head, DETERMINISTIC, recipe, "cost", key, tolerance, **{"known": "first"} | more)


def _fid(recipe: str) -> tuple[Column, Column]:
    tuned = {"training": "by_task"}
    score = (STATISTICAL, recipe, "scores", "unpaired/fid")
    return Column("fid", "FID", *score, where=tuned), Column(
        "fid_loss_pct", "FID loss %", *score, where=tuned, form="loss"
    )


def _trends(ratio: str) -> tuple[Trend, ...]:
    distance = ("scores", "unpaired/mse_to_teacher")
    return (
        Trend(
            "the more goes, the further from the unpruned network, untuned",
            ratio,
            *distance,
            1,
            {"training": "untuned"},
        ),
        Trend("... and tuned by the unpruned network", ratio, *distance, 1, {"training": "by_teacher"}),
    )


T1 = Exhibit(
    "t1",
    ("table 1",),
    "a16",
    "t1_cwm_pruning",
    "Table 1: the warping module (CWM) loses channels",
    (
        Recipe("t1_sizes", "full", "t1_cwm_pruning/measured_full_sizes.csv"),
        Recipe("t1_cwm_pruning", "demo", "t1_cwm_pruning/measured_demo.csv"),
        Recipe("t1_cwm_pruning", "full", "t1_cwm_pruning/measured_full.csv"),
    ),
    "ratio",
    "compression.ratio",
    (
        _size("gflops", "GMACs, one encoder", "t1_sizes@full", "encoder/gmacs", GMACS),
        _size("params_m", "M parameters, one encoder", "t1_sizes@full", "encoder/params_m", PARAMS),
        _size("size_mb", "MiB, one encoder", "t1_sizes@full", "encoder/mib", MIB),
        _size("total_size_mb", "MiB, whole CWM", "t1_sizes@full", "cwm/mib", MIB),
        _size("compression_ratio_pct", "CWM kept %", "t1_sizes@full", "cwm/mib", PER_CENT, form="share"),
        *_fid("t1_cwm_pruning@full"),
    ),
    SCORES,
    _trends("compression.ratio"),
    VITON,
    ("unpaired",),
)
T2 = Exhibit(
    "t2",
    ("table 2",),
    "a16",
    "t2_igm_pruning",
    "Table 2: the generator (IGM) loses channels",
    (
        Recipe("t2_sizes", "full", "t2_igm_pruning/measured_full_sizes.csv"),
        Recipe("t2_igm_pruning", "demo", "t2_igm_pruning/measured_demo.csv"),
        Recipe("t2_igm_pruning", "full", "t2_igm_pruning/measured_full.csv"),
    ),
    "ratio",
    "compression.ratio",
    (
        _size("gflops", "GMACs", "t2_sizes@full", "igm/gmacs", GMACS),
        _size("params_m", "M parameters", "t2_sizes@full", "igm/params_m", PARAMS),
        _size("size_mb", "MiB", "t2_sizes@full", "igm/mib", MIB),
        _size("total_size_mb", "MiB, whole IGM", "t2_sizes@full", "igm/mib", MIB),
        _size("compression_ratio_pct", "IGM kept %", "t2_sizes@full", "igm/mib", PER_CENT, form="share"),
        *_fid("t2_igm_pruning@full"),
    ),
    SCORES,
    _trends("compression.ratio")[1:],
    VITON,
    ("unpaired",),
)
_BEFORE, _AFTER = (
    {"recipe": "t1_sizes@full", "where": {"compression.ratio": 0.0}, "known": "all"},
    {"recipe": "t3_sizes@full"},
)


def _module(name: str, head: str, module: str, recipe: str, **more) -> Column:
    key = f"{module.lower()}/mib"
    return Column(name, head, DETERMINISTIC, recipe, "cost", key, MIB, only=module, **more)


T3 = Exhibit(
    "t3",
    ("table 3",),
    "a16",
    "t3_best_pruning",
    "Table 3: both modules pruned",
    (
        Recipe("t1_sizes", "full", "t1_cwm_pruning/measured_full_sizes.csv"),
        Recipe("t3_sizes", "full", "t3_best_pruning/measured_full_sizes.csv"),
        Recipe("t3_best_pruning", "demo", "t3_best_pruning/measured_demo.csv"),
        Recipe("t3_untuned", "demo", "t3_best_pruning/measured_demo.csv"),
        Recipe("t3_best_pruning", "full", "t3_best_pruning/measured_full.csv"),
    ),
    "model",
    "",
    (
        *(_module("original_mb", "MiB before", module, **_BEFORE) for module in ("CWM", "IGM")),
        *(_module("pruned_mb", "MiB after", module, **_AFTER) for module in ("CWM", "IGM")),
        Column("fid", "FID", STATISTICAL, "t3_best_pruning@full", "scores", "unpaired/fid"),
        Column(
            *("fps", "try-ons a second", STATISTICAL, "t3_sizes@full", "latency", "median_ms"),
            form="per_second",
        ),
    ),
    SCORES,
    needs=VITON,
    pictures=("unpaired",),
)
_SCOPES = {  # of table 4's rows: the part whose size is printed, and what is quantised
    "unquantized": ("mib", "none"),
    "quantize CWM": ("cwm/mib", "warp"),
    "quantize IGM": ("igm/mib", "generator"),
    "quantize CWM & IGM": ("mib", "all"),
}


def _scoped(name: str, key: str, scope: str) -> tuple[Column, ...]:
    judged = {"only": name, "where": {"compression.scope": scope}}
    fid = (STATISTICAL, "t4_qat@full", "scores", "unpaired/fid")
    return (
        Column("original_mb", "MiB before", DETERMINISTIC, "t3_sizes@full", "cost", key, MIB, only=name),
        Column("quantized_mb", "MiB after", DETERMINISTIC, "t4_qat@full", "cost", key, MIB, **judged),
        Column("cpu_fid", "FID, CPU", *fid, **judged),
        Column("gpu_fid", "FID, GPU", *fid, **judged, needs=f"a GPU, and {VITON}"),
    )


T4 = Exhibit(
    "t4",
    ("table 4",),
    "a16",
    "t4_qat",
    "Table 4: quantisation-aware training",
    (
        Recipe("t3_sizes", "full", "t3_best_pruning/measured_full_sizes.csv"),
        Recipe("t4_qat", "demo", "t4_qat/measured_demo.csv"),
        Recipe("t4_qat", "full", "t4_qat/measured_full.csv"),
    ),
    "optimization",
    "",
    tuple(column for name, (key, scope) in _SCOPES.items() for column in _scoped(name, key, scope)),
    (*SCORES, Shown("CWM MiB", "cost", "cwm/mib", 2), Shown("IGM MiB", "cost", "igm/mib", 2)),
    needs=VITON,
    pictures=("unpaired",),
)
_BENCH = "correlation@full"


def _timed(runs: str, times: float) -> tuple[Column, ...]:
    """Seconds of so many runs, by the loop and by the unfolded form."""
    part = {"only": runs}
    return (
        Column("corr_torch_s", "s, shifted loop", STATISTICAL, _BENCH, "latency", "shifted", scale=times / 1e3, **part),
        Column("img2col_s", "s, unfolded", STATISTICAL, _BENCH, "latency", "unfolded", scale=times / 1e3, **part),
        Column("fps", "a second, unfolded", STATISTICAL, _BENCH, "latency", "unfolded", form="per_second", **part),
        Column("acceleration", "acceleration", STATISTICAL, _BENCH, "latency", "unfolded_acceleration", **part),
    )


T5 = Exhibit(
    "t5",
    ("table 5",),
    "a16",
    "t5_img2col",
    "Table 5: the correlation as a product of matrices",
    (Recipe("correlation", "full", "t5_img2col/measured.csv", "vtryon bench correlation"),),
    "runs",
    "",
    tuple(column for runs, times in (("1000", 1e3), ("10000", 1e4), ("average", 1)) for column in _timed(runs, times)),
    needs="measured.csv of the bench, in RUNS/t5_img2col",
)
A16 = (T1, T2, T3, T4, T5)
