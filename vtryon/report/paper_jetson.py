"""Figures F1 to F14 of the Jetson project: plots and strips; the values in paper.csv were read off the plots."""

from vtryon.report.exhibit import DETERMINISTIC, STATISTICAL, Column, Exhibit, Recipe, Shown, Trend

READ_OFF = 0.05  # of the axis
_TRAINED = "full-width networks trained on VITON (data.root=DIR, runs/full, days on GPUs)"
_DISTANCES = (
    Shown("GMACs", "cost", "gmacs", 4),
    Shown("MSE to teacher, seen", "scores", "seen/mse_to_teacher", 1),
    Shown("MSE to teacher, unseen", "scores", "unpaired/mse_to_teacher", 1),
    Shown("SSIM paired", "scores", "paired/ssim", 4),
    Shown("EPE px", "scores", "paired/epe", 2),
)
_UNSEEN = ("scores", "unpaired/mse_to_teacher", -1)


def _ngf(name: str, head: str, key: str) -> Column:
    return Column(name, head, DETERMINISTIC, "f7_sizes@full", "cost", key, READ_OFF, known="all")


F1 = Exhibit(
    "f1",
    ("figure f1", "figure f2", "figure f3", "figure f4"),
    "jetson",
    "f1_f4_block_sensitivity",
    "F1 to F4: the generator's blocks silenced",
    (
        Recipe(
            *("f1_f4_block_sensitivity", "demo", "f1_f4_block_sensitivity/measured_demo.csv"),
            sheets=("sensitivity.csv",),
        ),
    ),
    needs="a trained student (`vtryon demo`)",
)
F5 = Exhibit(
    "f5",
    ("figure f5", "figure f6"),
    "jetson",
    "f5_filter_sensitivity",
    "F5 and F6: the encoders' filters silenced one by one",
    (
        Recipe(
            *("f5_filter_sensitivity", "demo", "f5_filter_sensitivity/measured_demo.csv"),
            sheets=("figures/layers.csv", "figures/filters.csv"),
        ),
    ),
    needs="a trained student (`vtryon demo`)",
)
F7 = Exhibit(
    "f7",
    ("figure f7", "figure f8", "figure f9", "figure f10"),
    "jetson",
    "f7_ngf_distillation",
    "F7 to F10: narrow generators",
    (
        Recipe("f7_sizes", "full", "f7_ngf_distillation/measured_full_sizes.csv"),
        Recipe("f7_ngf_distillation", "demo", "f7_ngf_distillation/measured_demo.csv"),
        Recipe("f7_ngf_distillation", "full", "f7_ngf_distillation/measured_full.csv"),
    ),
    "ngf",
    "model.generator.ngf",
    (
        _ngf("flops_b_read_off_plot", "GMACs, generator", "igm/gmacs"),
        _ngf("params_m_read_off_plot", "M parameters, generator", "igm/params_m"),
        Column(
            *("mse_read_off_plot", "MSE to teacher", STATISTICAL, "f7_ngf_distillation@full"),
            *("scores", "unpaired/mse_to_teacher", READ_OFF),
            where={"init.take": ["warp."], "training": "distill"},
        ),
        Column(
            *("latency_s_read_off_plot", "s a try-on", STATISTICAL, "f7_sizes@full", "latency", "median_ms", READ_OFF),
            scale=1e-3,
        ),
    ),
    (Shown("M parameters, generator", "cost", "igm/params_m", 3), *_DISTANCES),
    (
        Trend(
            "a wider generator is nearer to the teacher, from random weights",
            *("model.generator.ngf", *_UNSEEN),
            {"init.take": ["warp."], "training": "distill"},
        ),
        Trend(
            "... and from the teacher's channels",
            *("model.generator.ngf", *_UNSEEN),
            {"init.take": ["warp.", "generator."], "training": "distill"},
        ),
    ),
    _TRAINED,
    ("seen", "unpaired"),
)
F11 = Exhibit(
    "f11",
    ("figure f11", "figure f12", "figure f13"),
    "jetson",
    "f11_warp_channels",
    "F11 to F13: narrow encoders",
    (
        Recipe("f11_sizes", "full", "f11_warp_channels/measured_full_sizes.csv"),
        Recipe("f11_warp_channels", "demo", "f11_warp_channels/measured_demo.csv"),
    ),
    "channels",
    "model.warp.channels",
    (
        Column("gmacs", "GMACs, warp", DETERMINISTIC, "f11_sizes@full", "cost", "cwm/gmacs"),
        Column("params_m", "M parameters, warp", DETERMINISTIC, "f11_sizes@full", "cost", "cwm/params_m"),
        Column("mib", "MiB, warp", DETERMINISTIC, "f11_sizes@full", "cost", "cwm/mib"),
    ),
    (Shown("warp GMACs", "cost", "cwm/gmacs", 4), *_DISTANCES[1:]),
    (
        Trend(
            "wider encoders are nearer to the teacher, from random weights",
            *("model.warp.channels", *_UNSEEN),
            {"init.take": ["generator."], "training": "distill"},
        ),
        Trend(
            "... and from the teacher's channels",
            *("model.warp.channels", *_UNSEEN),
            {"init.take": ["generator.", "warp."], "training": "distill"},
        ),
    ),
    _TRAINED,
    ("seen", "unpaired"),
)
F14 = Exhibit(
    "f14",
    ("figure f14",),
    "jetson",
    "f14_energy",
    "F14: SSIM against try-ons under 10 Wh",
    (Recipe("energy", "demo", "f14_energy/measured.csv", "vtryon energy --run RUNS/demo/student RUNS/demo/distill"),),
    needs="a Jetson Nano: `vtryon export --run RUN --to jetson`, then jetson_runner.py on the board",
)
JETSON = (F1, F5, F7, F11, F14)
