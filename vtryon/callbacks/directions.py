"""Which way a score improves, by the name of its column; imports nothing, so that reports may read it too."""

_BEST = {
    "ssim": "max",
    "psnr": "max",
    "samples_per_s": "max",
    "mse": "min",
    "epe": "min",
    "fid": "min",
    "kid": "min",
    "fd_efficientnet": "min",
    "kid_efficientnet": "min",
    "loss": "min",
    "total": "min",
    "params_m": "min",
    "gmacs": "min",
    "correlation_gmacs": "min",
    "mib": "min",
    "peak_rss_mib": "min",
    "peak_gpu_mib": "min",
    "median_ms": "min",
    "p90_ms": "min",
}


def best(key: str) -> str | None:
    """The better end of a score: "min", "max", or None where neither is.

    Example:
        >>> best("paired/ssim"), best("unpaired/mse_to_teacher"), best("epoch")
        ('max', 'min', None)
    """
    return _BEST.get(key.rpartition("/")[2].removesuffix("_to_teacher"))
