"""Measure a try-on network on a Jetson: latency by TensorRT, power by the board's own sensor, into one JSON file.

    python3 jetson_runner.py tryon.onnx --out board.json

Needs what JetPack 4.6 brings: Python 3.6, TensorRT 8.2 with its Python module, the CUDA runtime. Nothing is installed.
Put the JSON beside the run's row.json; `vtryon energy --run RUN` then shows it as measured. Set the power mode first
(sudo nvpmodel -m 0 for 10 W, -m 1 for 5 W; sudo jetson_clocks).
"""

import argparse
import array
import ctypes
import hashlib
import json
import random
import threading
import time
from pathlib import Path

COORDINATE = "coordinate"  # layers of this name compute where to look: float32 always
SENSORS = "/sys/bus/i2c/drivers/ina3221x"
TO_DEVICE = 1  # cudaMemcpyKind
IDLE_S = 3  # seconds of rest whose power is told beside the load's


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("onnx", help="file written by vtryon export --to jetson")
    parser.add_argument("--precision", choices=("f16", "f32"), default="f16", help="of the engine (%(default)s)")
    parser.add_argument("--warmup", type=int, default=20, help="calls not counted (%(default)s)")
    parser.add_argument("--repeats", type=int, default=200, help="calls counted (%(default)s)")
    parser.add_argument("--workspace", type=int, default=1024, help="MiB that the builder may use (%(default)s)")
    parser.add_argument("--out", default="board.json", help="file to write (%(default)s)")
    args = parser.parse_args(argv)
    if args.repeats < 1 or args.warmup < 0:
        parser.error("--repeats must be at least 1 and --warmup at least 0")
    engine = Engine(args.onnx, args.precision, args.workspace)
    idle = Sensor().over(lambda: time.sleep(IDLE_S))
    for _ in range(args.warmup):
        engine.run()
    times = []
    power = Sensor().over(lambda: times.extend(timed(engine.run) for _ in range(args.repeats)))
    write(args.out, record(args, times, power, idle, engine.version))
    print("written: " + args.out)
    return 0


def timed(call):
    """Milliseconds of one call that returns when the device is done."""
    start_time = time.perf_counter()
    call()
    return (time.perf_counter() - start_time) * 1e3


def record(args, times, power, idle, version):
    """What is written; `power` and `idle` are (mean watts or None, number of readings)."""
    return {
        "format": "vtryon measurement 1",
        "basis": "measured",
        "machine": machine(),
        "backend": "TensorRT " + version,
        "precision": args.precision,
        "network": Path(args.onnx).name,
        "network_sha256": hashlib.sha256(Path(args.onnx).read_bytes()).hexdigest(),
        "latency_ms": {
            "min": min(times),
            "median": percentile(times, 50),
            "p90": percentile(times, 90),
            "p99": percentile(times, 99),
            "repeats": len(times),
            "warmup": args.warmup,
        },
        "power_w": power[0],
        "power_readings": power[1],
        "power_idle_w": idle[0],
        "power_source": "INA3221, input of the module" if power[0] is not None else "no readable INA3221 input rail",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def percentile(values, percent):
    """Linear between neighbours, as numpy has it."""
    values = sorted(values)
    position = (len(values) - 1) * percent / 100.0
    low = int(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (position - low)


def machine():
    try:
        return Path("/proc/device-tree/model").read_text().strip("\0\n ")
    except OSError:
        return "unknown"


def write(path, content):
    temporary = Path(path + ".part")
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)


class Sensor:
    """The board's power at its input, read some twenty times a second while something runs."""

    def __init__(self, root=SENSORS, pause=0.05):
        self.path, self.pause, self.readings = input_rail(root), pause, []

    def over(self, call):
        """(mean watts, readings) while `call` runs; (None, 0) without a sensor."""
        done = threading.Event()
        reader = threading.Thread(target=self._read, args=(done,))
        reader.start()
        try:
            call()
        finally:
            done.set()
            reader.join()
        if not self.readings:
            return None, 0
        return sum(self.readings) / len(self.readings), len(self.readings)

    def _read(self, done):
        while self.path is not None and not done.is_set():
            try:
                self.readings.append(int(self.path.read_text()) / 1e3)  # the driver tells milliwatts
            except (OSError, ValueError):
                return
            done.wait(self.pause)


def input_rail(root=SENSORS):
    """The power file of the rail that feeds the whole module: POM_5V_IN on a Nano, VDD_IN on others."""
    for label in sorted(Path(root).glob("*/iio:device*/rail_name_*")):
        power = label.with_name("in_power" + label.name.rsplit("_", 1)[1] + "_input")
        if label.read_text().strip().endswith("_IN") and power.exists():
            return power
    return None


class Engine:
    """A TensorRT engine with its buffers on the device, fed with random pictures."""

    def __init__(self, onnx, precision, workspace):
        import tensorrt

        self.trt, self.version = tensorrt, tensorrt.__version__
        self.logger = tensorrt.Logger(tensorrt.Logger.WARNING)
        self.cuda = Cuda()
        plan = self._plan(onnx, precision, workspace)
        self.runtime = tensorrt.Runtime(self.logger)
        self.engine = self.runtime.deserialize_cuda_engine(plan)
        self.context = self.engine.create_execution_context()
        self.buffers = [self._buffer(index) for index in range(self.engine.num_bindings)]

    def run(self):
        """One inference; returns when the device is done with it."""
        if not self.context.execute_async_v2([pointer.value for pointer in self.buffers], self.cuda.stream.value):
            raise RuntimeError("TensorRT refused to run the engine")
        self.cuda.wait()

    def _plan(self, onnx, precision, workspace):
        trt = self.trt
        builder = trt.Builder(self.logger)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
        parser = trt.OnnxParser(network, self.logger)
        if not parser.parse(Path(onnx).read_bytes()):
            errors = [str(parser.get_error(index)) for index in range(parser.num_errors)]
            raise RuntimeError("TensorRT cannot read " + onnx + ": " + "; ".join(errors))
        config = builder.create_builder_config()
        config.max_workspace_size = workspace << 20
        if precision == "f16":
            config.set_flag(trt.BuilderFlag.FP16)
            obey = getattr(trt.BuilderFlag, "OBEY_PRECISION_CONSTRAINTS", None)
            config.set_flag(obey if obey is not None else trt.BuilderFlag.STRICT_TYPES)
            keep_coordinates(trt, network)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise RuntimeError("TensorRT could not build an engine; its messages above say why")
        return plan

    def _buffer(self, index):
        count = 1
        for dimension in self.engine.get_binding_shape(index):
            count *= dimension
        values = array.array("f", [0.0]) * count
        if self.engine.binding_is_input(index):
            values = array.array("f", (random.uniform(-1, 1) for _ in range(count)))
        return self.cuda.put(values)


def keep_coordinates(trt, network):
    """Float32 for the layers that compute where to look: half a float would blur places by an eighth of a pixel."""
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if not layer.name.startswith(COORDINATE) or layer.get_output(0).dtype not in (trt.float32, trt.float16):
            continue
        layer.precision = trt.float32
        layer.set_output_type(0, trt.float32)


class Cuda:
    """The few calls of the CUDA runtime that are needed."""

    def __init__(self):
        self.library = ctypes.CDLL("libcudart.so")
        self.stream = ctypes.c_void_p()
        self._check(self.library.cudaStreamCreate(ctypes.byref(self.stream)))

    def put(self, values):
        """A buffer on the device with these floats in it."""
        pointer, size = ctypes.c_void_p(), ctypes.c_size_t(len(values) * values.itemsize)
        self._check(self.library.cudaMalloc(ctypes.byref(pointer), size))
        host = ctypes.c_void_p(values.buffer_info()[0])
        self._check(self.library.cudaMemcpy(pointer, host, size, ctypes.c_int(TO_DEVICE)))
        return pointer

    def wait(self):
        self._check(self.library.cudaStreamSynchronize(self.stream))

    def _check(self, code):
        if code:
            raise RuntimeError("CUDA error " + str(code))


if __name__ == "__main__":
    raise SystemExit(main())
