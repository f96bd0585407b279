import pytest
from clock import Clock
from tiny_run import LIGHTNING_WARNINGS, TinyData, TinyModule, batch, trainer

from vtryon.callbacks import throughput
from vtryon.callbacks.throughput import Throughput
from vtryon.utils.memory import peak_rss_mib

pytestmark = pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)


def test_samples_are_counted_after_the_first_batch_and_without_validation(monkeypatch, tmp_path):
    clock = Clock()
    monkeypatch.setattr(throughput, "time", clock)
    speed, run, module = Throughput(), trainer(tmp_path), TinyModule()
    module.trainer = run
    speed.on_train_start(run, module)
    for seconds, size in ((100, 2), (1, 2), (3, 4)):
        clock.now += seconds
        speed.on_train_batch_end(run, module, None, batch(range(size)), 0)
    clock.now += 2
    speed.on_validation_start(run, module)
    clock.now += 1000
    speed.on_validation_end(run, module)
    clock.now += 4
    speed.on_train_batch_end(run, module, None, batch(range(4)), 0)
    speed.on_train_end(run, module)
    assert speed.record()["speed"]["fit/samples_per_s"] == (2 + 4 + 4) / (1 + 3 + 2 + 4)


def test_fit_and_test_print_their_speed_and_keep_it(tmp_path, capsys):
    speed = Throughput()
    run = trainer(tmp_path, speed, limit_val_batches=0)
    run.fit(TinyModule(), datamodule=TinyData(tmp_path))
    run.test(TinyModule(), datamodule=TinyData(tmp_path), verbose=False)
    printed = capsys.readouterr().out
    assert f"fit: {speed.record()['speed']['fit/samples_per_s']:.1f} samples/s, peak memory" in printed
    assert f"test: {speed.record()['speed']['test/samples_per_s']:.1f} samples/s" in printed
    assert 50 < speed.record()["speed"]["peak_rss_mib"] == pytest.approx(peak_rss_mib(), rel=0.2)


def test_one_batch_is_too_short_to_time(tmp_path, capsys):
    speed = Throughput()
    run = trainer(tmp_path, speed, limit_train_batches=1, limit_val_batches=0)
    run.fit(TinyModule(), datamodule=TinyData(tmp_path))
    assert "fit: too short to time (one batch)" in capsys.readouterr().out
    assert "fit/samples_per_s" not in speed.record()["speed"]
