"""The page of the app: photos, a camera, and the answers of up to three networks in columns."""

import time
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from vtryon.deploy.app.examples import Examples
from vtryon.deploy.app.networks import Dressed, Garment, Network, described, read_garment
from vtryon.deploy.photo import read_photo

MOST = 3  # networks side by side
FRAME = 0.1  # seconds between frames of the camera, at least
FORGET = (60, 600)  # every minute, pictures older than ten minutes are deleted
CSS = "footer {display: none !important} .part img {width: 100%; height: 100%; object-fit: contain}"
HINT = "Photos stay on this machine, in a folder that is deleted when the app ends; after ten minutes they are gone."

Column = tuple[gr.Column, gr.Markdown, gr.Image, gr.Image, gr.Image, gr.Image, gr.JSON]


class Page:
    """The page, and the networks that it opens when they are first chosen.

    Args:
        networks: paths of runs or weight files, by the name under which they are listed.
        device: auto, cpu or cuda.
    """

    def __init__(self, networks: dict[str, Path], examples: Examples, device: str = "auto"):
        self.networks, self.examples = networks, examples
        self.opened = cache(lambda name: Network(networks[name], device))
        self.garment = lru_cache(maxsize=1)(read_garment)  # the camera asks for the same one with every frame

    def blocks(self) -> gr.Blocks:
        """The page as Gradio serves it."""
        with gr.Blocks(title="vtryon", analytics_enabled=False, delete_cache=FORGET) as blocks:
            gr.Markdown(f"# vtryon\nA person and a garment in, the person in that garment out. {HINT}")
            with gr.Row():
                with gr.Column(), gr.Tabs():
                    with gr.Tab("Photo"):
                        person = _photo("Person", "person", self.examples.persons)
                    with gr.Tab("Camera"):
                        camera, live, rate = _camera()
                with gr.Column():
                    cloth = _photo("Garment", "cloth", self.examples.garments)
                with gr.Column(min_width=200):
                    names = list(self.networks)
                    chosen = gr.CheckboxGroup(
                        names, value=names[:1], label=f"Networks, up to {MOST}", elem_id="networks"
                    )
                    button = gr.Button("Try on", variant="primary", elem_id="try-on")
                    gr.Markdown("Choose a person and a garment, and press *Try on*; or let the camera do it.")
            with gr.Row():
                columns = [_column(number) for number in range(MOST)]
            outputs = [component for column in columns for component in column]
            button.click(self.dress, [person, cloth, chosen], outputs)
            frame_time = gr.State(0.0)
            camera.stream(
                self.frame,
                [camera, cloth, chosen, frame_time],
                [live, rate, frame_time],
                stream_every=FRAME,
                concurrency_limit=1,
                show_progress="hidden",
            )
        return blocks

    def dress(self, person: str | None, cloth: str | None, chosen: Sequence[str]) -> list[Any]:
        """What each column shows once the button is pressed."""
        self._check(person, cloth, chosen)
        try:
            photo, garment = read_photo(Path(person)).image, self.garment(Path(cloth))
            shown = [_filled(name, *self._answer(name, photo, garment)) for name in chosen]
        except (ValueError, OSError) as error:
            raise gr.Error(_without_folders(str(error), person, cloth)) from error
        shown += [_empty() for _ in range(MOST - len(chosen))]
        return [value for column in shown for value in column]

    def frame(
        self, frame: np.ndarray | None, cloth: str | None, chosen: Sequence[str], previous_time: float
    ) -> tuple[np.ndarray | None, str, float]:
        """A picture of the camera in the garment, by the first network that is chosen.

        Returns:
            The try-on, the frame rate in words, and the time of this frame in seconds.
        """
        if frame is None or cloth is None or not chosen:
            return frame, "Choose a garment and a network.", previous_time
        try:
            dressed = self.opened(chosen[0]).dress(np.ascontiguousarray(frame), self.garment(Path(cloth)))
        except (ValueError, OSError) as error:
            raise gr.Error(_without_folders(str(error), cloth)) from error
        current_time = time.monotonic()
        seconds = current_time - previous_time
        rate = f"{1 / seconds:.1f} frames a second, " if 0 < seconds < 10 else ""
        return dressed.image, f"{rate}{dressed.cost.ms:.0f} ms the network", current_time

    def _answer(self, name: str, photo: np.ndarray, garment: Garment) -> tuple[Network, Dressed]:
        network = self.opened(name)
        return network, network.dress(photo, garment)

    def _check(self, person: str | None, cloth: str | None, chosen: Sequence[str]) -> None:
        missing = [name for name, picture in (("person", person), ("garment", cloth)) if picture is None]
        if missing:
            raise gr.Error(f"Choose a {' and a '.join(missing)} first.")
        if not 1 <= len(chosen) <= MOST:
            raise gr.Error(f"{len(chosen)} networks are chosen; choose one to {MOST}.")


def _photo(label: str, key: str, examples: Sequence[Path]) -> gr.Image:
    """A picture to be chosen or dropped, as the file that it is, and drawn ones below it."""
    picture = gr.Image(
        type="filepath", image_mode=None, sources=["upload", "clipboard"], label=label, height=320, elem_id=key
    )
    gr.Examples([[str(path)] for path in examples], picture, label="Drawn", elem_id=f"{key}-examples")
    return picture


def _camera() -> tuple[gr.Image, gr.Image, gr.Markdown]:
    camera = gr.Image(sources=["webcam"], streaming=True, label="Camera", height=240, elem_id="camera")
    live = gr.Image(label="Live try-on", interactive=False, format="jpeg", height=320, elem_id="live")
    return camera, live, gr.Markdown(elem_id="rate")


def _column(number: int) -> Column:
    """The place of one network's answer, hidden until there is one."""
    with gr.Column(visible=False, min_width=260, elem_id=f"answer-{number}") as column:
        head = gr.Markdown(elem_classes="head")
        image = gr.Image(
            label="Try-on",
            format="png",
            interactive=False,
            buttons=["download", "fullscreen"],
            height=420,
            elem_classes="try-on",
        )
        with gr.Row():
            details = [_detail(label) for label in ("Warped garment", "Mask", "What changed")]
        with gr.Accordion("Card", open=False):
            card = gr.JSON(show_label=False)
    return column, head, image, *details, card


def _detail(label: str) -> gr.Image:
    return gr.Image(
        label=label, format="png", interactive=False, buttons=[], min_width=80, height=170, elem_classes="part"
    )


def _filled(name: str, network: Network, dressed: Dressed) -> list[Any]:
    cost = dressed.cost
    device = "GPU" if network.device.type == "cuda" else "CPU"
    head = f"**{name}** — {cost.ms:.0f} ms on the {device}, {cost.mib:.1f} MiB, {cost.gmacs:.2f} GMACs"
    pictures = (dressed.image, dressed.warped_cloth, dressed.mask, dressed.changed)
    return [gr.Column(visible=True), head, *pictures, described(network)]


def _empty() -> list[Any]:
    return [gr.Column(visible=False), "", None, None, None, None, None]


def _without_folders(message: str, *pictures: str | None) -> str:
    """An error that names pictures as the user knows them."""
    for picture in pictures:
        if picture is not None:
            message = message.replace(picture, Path(picture).name)
    return message
