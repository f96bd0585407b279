"""onnxruntime-web, the runtime beside the exported page: one fixed version, from npm, kept in vtryon's cache."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from vtryon.utils.atomic import atomic_write
from vtryon.utils.home import cache_folder

VERSION = "1.30.0"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"  # of the file that npm packs
ARCHIVE = f"onnxruntime-web-{VERSION}.tgz"
FILES = (  # of package/dist: each of the two builds is a module, its loader and its code
    *("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),
    *("ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"),
)


def archive(package_file: Path | None = None) -> Path:
    """`package_file`, or the one in the cache, fetched there with npm when it is not.

    Raises:
        ValueError: it is not the version that this code was tested with.
        OSError: npm is not installed, or cannot fetch it.
    """
    file = package_file or cache_folder() / ARCHIVE
    if package_file is None and not file.is_file():
        _fetch(file)
    file_sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    if file_sha256 != SHA256:
        raise ValueError(
            f"{file}: sha256 {file_sha256[:12]}… is not that of onnxruntime-web {VERSION} ({SHA256[:12]}…); delete it, "
            f"and fetch it anew with: npm pack onnxruntime-web@{VERSION}"
        )
    return file


def unpack(file: Path, folder: Path) -> None:
    """Write the runtime's files into `folder`."""
    folder.mkdir()
    with tarfile.open(file) as tar:
        for name in FILES:
            member = tar.getmember(f"package/dist/{name}")
            tar.extract(member.replace(name=name, deep=False), folder, filter="data")


def _fetch(file: Path) -> None:
    remedy = f"get {ARCHIVE} where npm is (npm pack onnxruntime-web@{VERSION}) and name it with --package"
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(f"npm is not installed, and {file} is not there; install Node.js, or {remedy}")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--ignore-scripts", "--silent", f"onnxruntime-web@{VERSION}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        packed = Path(folder, ARCHIVE)
        if not packed.is_file():
            reason = next(iter(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
            raise ConnectionError(f"npm could not fetch onnxruntime-web {VERSION} ({reason}); {remedy}")
        with atomic_write(file) as temporary:
            shutil.copyfile(packed, temporary)
