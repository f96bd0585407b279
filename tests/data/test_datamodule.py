"""Loaders: the same samples whatever the workers, resumable, and no run on a broken folder."""

import pickle

import pytest
import pytorch_lightning as L
import torch

from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files.layouts import PF_AFN
from vtryon.data.files.reader import DataError
from vtryon.data.loading import EpochSampler
from vtryon.data.sample import TryOnBatch, finish

SIZE = (64, 32)


def module(folder, **more):
    data = VitonDataModule(folder.root, **{"size": SIZE, "batch_size": 2, "val_size": 0, **more})
    data.setup("fit")
    return data


def seen(loader, epoch=0):
    """What an epoch shows: persons and the other garments' pixels."""
    loader.sampler.set_epoch(epoch)
    return [
        (name, other.sum().item()) for raw in loader for name, other in zip(raw.person_id, raw.other_cloth, strict=True)
    ]


def test_an_epoch_shows_every_sample_once_in_an_order_of_its_own(folder):
    loader = module(folder).train_dataloader()
    epochs = [seen(loader, epoch) for epoch in range(4)]
    assert all(sorted(name for name, _ in epoch) == [f"{i:06d}_0" for i in range(4)] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    assert seen(loader, 2) == epochs[2]


def test_the_seed_changes_the_order(clean):
    first, second = (seen(module(clean, seed=seed).train_dataloader()) for seed in (0, 1))
    assert [name for name, _ in first] != [name for name, _ in second]


def test_workers_change_neither_order_nor_garments(folder):
    alone, helped = (module(folder, workers=workers).train_dataloader() for workers in (0, 2))
    assert [seen(alone, epoch) for epoch in range(3)] == [seen(helped, epoch) for epoch in range(3)]


def test_the_last_batch_may_be_smaller(folder):
    sizes = [len(raw.person) for raw in module(folder, batch_size=3).train_dataloader()]
    assert sizes == [3, 1]


def test_processes_share_an_epoch_without_overlap(clean):
    samples = module(clean).train_set
    shares = [list(EpochSampler(samples, processes=2, rank=rank)) for rank in range(2)]
    assert sorted(shares[0] + shares[1]) == [(0, index) for index in range(8)]


def test_an_interrupted_epoch_goes_on_where_it_stopped(clean):
    whole = module(clean).train_dataloader()
    whole.sampler.set_epoch(3)
    batches = iter(whole)
    next(batches)
    state = whole.state_dict()
    rest = [raw.person_id for raw in batches]
    resumed = module(clean).train_dataloader()
    resumed.load_state_dict(state)
    resumed.sampler.set_epoch(3)  # as Lightning does
    assert [raw.person_id for raw in resumed] == rest
    assert len(seen(resumed, 4)) == 8


def test_held_out_samples_are_the_same_for_every_seed_and_never_trained_on(clean):
    parts = [module(clean, val_size=3, seed=seed) for seed in (0, 1)]
    held = [[record.person_id for record in part.val_set.records] for part in parts]
    assert held[0] == held[1]
    assert len(held[0]) == 3
    assert not set(held[0]) & {record.person_id for record in parts[0].train_set.records}
    batch = finish(next(iter(parts[0].val_dataloader())))
    assert batch.parse is not None
    assert batch.other_cloth is not None


def test_seen_pairs_are_trained_persons_in_the_garments_of_others(clean):
    data = module(clean, seen_size=2)
    data.setup("test")
    assert data.test_splits == ("unpaired", "paired", "seen")
    trained = {record.person_id for record in data.train_set.records}
    assert len(data.test_sets[2]) == 2
    for raw in map(data.test_sets[2].__getitem__, range(2)):
        assert raw.person_id in trained
        assert raw.cloth_id != PF_AFN.garment_of(raw.person_id)
        assert not raw.worn
        assert raw.truth is None  # the photo shows another garment
    assert data.reference_images() == module(clean).reference_images()


def test_lists_choose_the_pairs(folder, tmp_path):
    (tmp_path / "few.txt").write_text("000002_0.jpg 000002_1.jpg\n000000_0.jpg 000000_1.jpg\n")
    (tmp_path / "one.txt").write_text("000101_0.jpg 000100_1.jpg\n")
    data = module(folder, train_pairs=tmp_path / "few.txt", test_pairs=tmp_path / "one.txt")
    data.setup("test")
    assert [record.person_id for record in data.train_set.records] == [
        "000002_0",
        "000000_0",
    ]
    unpaired, paired = (next(iter(loader)) for loader in data.test_dataloader())
    assert (unpaired.person_id, unpaired.cloth_id, unpaired.worn) == (
        ["000101_0"],
        ["000100_1"],
        False,
    )
    assert paired.worn
    assert paired.cloth_id == ["000100_1", "000101_1"]
    assert [path.name for path in data.reference_images()] == ["000101_0.jpg"]
    protocol = data.protocol()
    assert (protocol["pairs"], protocol["pair_count"], protocol["reference_count"]) == (
        "one.txt",
        1,
        1,
    )
    assert len(protocol["pairs_sha256"]) == 64


def test_without_a_paired_list_each_person_is_paired_with_the_own_garment(folder):
    listed = module(folder).pairs("paired").ids
    (folder.test / "test_pairs_same.txt").unlink()
    (folder.test / "test_clothes" / "000102_1.jpg").unlink()
    assert module(folder).pairs("paired").ids == listed[:2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seen_size": 1}, r"seen_size \(=1\) must be 0 or at least 2"),
        (
            {"size": (250, 192)},
            r"size \(=\(250, 192\)\) must be \(h, w\), both divisible by 32",
        ),
        ({"size": (256, 192, 3)}, "size"),
        ({"size": (0, 32)}, "size"),
        ({"batch_size": 0}, r"batch_size \(=0\) must be at least 1"),
        ({"workers": -1}, r"workers \(=-1\) must be at least 0"),
        ({"val_size": 1}, r"val_size \(=1\) must be 0 or at least 2"),
        ({"val_size": 3}, r"val_size \(=3\) leaves fewer than 2 of 4 training samples"),
    ],
)
def test_impossible_arguments_are_refused(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        module(folder, **arguments)


def test_a_folder_without_its_part_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no data folder: .* pf_afn \(VITON_traindata/train_img"):
        VitonDataModule(tmp_path).setup("fit")


def test_the_fingerprint_follows_the_contents_and_not_the_place(folder, tmp_path):
    first = module(folder).fingerprint()
    moved = tmp_path / "moved"
    moved.mkdir()
    for part in (folder.train, folder.test):
        part.rename(moved / part.name)
    assert VitonDataModule(moved).fingerprint() == first
    label = moved / "VITON_traindata" / "train_densepose" / "000001_0.npy"
    label.write_bytes(label.read_bytes()[:-1] + b"\1")
    assert VitonDataModule(moved).fingerprint() != first


def test_a_worker_names_the_file_that_broke_while_training(folder):
    data = module(folder, workers=1)
    path = folder.train / "train_color" / "000001_1.jpg"
    path.write_bytes(b"")
    with pytest.raises(DataError, match=f"{path}: empty"):
        list(data.train_dataloader())


def test_the_module_survives_pickling_for_processes_that_are_spawned(folder):
    assert len(pickle.loads(pickle.dumps(module(folder).train_set))) == 4


class Recorder(L.LightningModule):
    """Keeps what each step was given."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.trained, self.others = [], []

    def training_step(self, batch, batch_idx):
        assert isinstance(batch, TryOnBatch)
        self.trained.append(
            (
                self.current_epoch,
                batch_idx,
                *batch.person_ids,
                batch.other_cloth.sum().item(),
            )
        )
        return self.weight.sum()

    def validation_step(self, batch, batch_idx):
        self.others.append(("val", batch.pose.shape[1]))

    def test_step(self, batch, batch_idx, dataloader_idx):
        self.others.append((dataloader_idx, batch.truth is not None))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def trainer(**more):
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return L.Trainer(accelerator="cpu", **{"enable_checkpointing": False, **quiet, **more})


needs_filter = pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")  # Lightning's, with torch 2.13


@needs_filter
def test_lightning_trains_validates_and_tests_without_a_warning(folder):
    recorder, data = (
        Recorder(),
        VitonDataModule(folder.root, size=SIZE, batch_size=2, val_size=2),
    )
    run = trainer(max_epochs=2, num_sanity_val_steps=0)
    run.fit(recorder, data)
    run.test(recorder, data, verbose=False)
    assert len(recorder.trained) == 2
    assert recorder.trained[0][:2] == (0, 0)
    assert recorder.others == [*[("val", 18)] * 2, *[(0, False)] * 2, *[(1, True)] * 2]


class SaveEachStep(L.Callback):
    def __init__(self, folder):
        self.folder = folder

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        trainer.save_checkpoint(self.folder / f"{trainer.global_step}.ckpt")


@needs_filter
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("batches", [3, 2])  # of an epoch of 3
def test_a_resumed_training_sees_what_an_unbroken_one_sees(clean, tmp_path, workers, batches):
    def fit(callbacks=(), resume=None):
        recorder = Recorder()
        data = VitonDataModule(clean.root, size=SIZE, batch_size=2, val_size=2, workers=workers)
        run = trainer(max_epochs=3, limit_train_batches=batches, num_sanity_val_steps=0, callbacks=list(callbacks))
        run.fit(recorder, data, ckpt_path=resume, weights_only=True if resume else None)
        return recorder.trained

    whole = fit([SaveEachStep(tmp_path)])
    for steps in (1, 2, 3):
        assert fit(resume=tmp_path / f"{steps}.ckpt") == whole[steps:]


@needs_filter
def test_a_broken_file_stops_a_run_before_its_first_step(folder):
    path = folder.train / "train_label" / "000003_0.png"
    path.write_bytes(path.read_bytes()[:50])
    recorder = Recorder()
    with pytest.raises(DataError, match=f"{path}: truncated"):
        trainer(max_epochs=1).fit(recorder, VitonDataModule(folder.root, size=SIZE, val_size=0))
    assert not recorder.trained


def test_training_stops_where_all_poses_are_empty(folder):
    for path in (folder.train / "train_pose").iterdir():
        path.write_text('{"people": []}')
    with pytest.raises(DataError, match="empty pose: as in all 4 files; detect the poses again"):
        module(folder)


def test_photos_of_another_shape_than_the_size_are_said_to_be_squeezed_once(folder, warned):
    data = module(folder, size=(64, 64))
    data.setup()
    (why,) = (text for text in warned if "squeezed" in text)
    assert "photos are 64x32 (height x width) and are squeezed to data.size=[64,64]" in why
    warned.clear()
    module(folder, size=(128, 64)).setup("fit")
    assert not any("squeezed" in text for text in warned)
