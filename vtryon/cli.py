"""The command `vtryon`. A verb's code is imported when it is called, so that help is instant."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vtryon import __version__, bench_command, reproduce_command
from vtryon.deploy import export_command, tryon_command
from vtryon.report import command as report_command
from vtryon.report import energy_command


def main(argv: Sequence[str] | None = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["run"]:  # Hydra has its own idea of flags
        return _run(argv[1:])
    args = _parser().parse_args(argv)
    return args.verb(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "vtryon",
        description="Train, compress, measure and deploy PF-AFN virtual try-on.",
    )
    parser.add_argument("--version", action="version", version=f"vtryon {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser(
        "demo",
        help="the main job on embedded data: train tutor, student and a distilled student",
    )
    verb.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/demo"),
        help="folder of the runs (%(default)s)",
    )
    verb.add_argument("overrides", nargs="*", metavar="key=value", help="config keys for all runs")
    verb.set_defaults(verb=_demo)

    verbs.add_parser(
        "run",
        help="one run, or with -m a sweep: vtryon run experiment=… key=value …; --help for more",
    )

    data = verbs.add_parser("data", help="check or synthesise a VITON folder").add_subparsers(required=True)
    verb = data.add_parser(
        "check",
        help="list every problem of a VITON folder; exit code 1 if there are any",
    )
    verb.add_argument("root", type=Path)
    verb.set_defaults(verb=_data_check)
    verb = data.add_parser("unpack", help="unpack a zip or tar archive into a new folder, all of it or nothing")
    verb.add_argument("archive", type=Path)
    verb.add_argument("folder", type=Path)
    verb.set_defaults(verb=_data_unpack)
    verb = data.add_parser("synth", help="write a procedural VITON folder with true flow")
    verb.add_argument("root", type=Path)
    verb.add_argument("--train", type=int, default=512, help="training samples (%(default)s)")
    verb.add_argument("--test", type=int, default=64, help="test persons (%(default)s)")
    verb.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    verb.add_argument(
        "--workers",
        type=int,
        default=1,
        help="processes; the files are the same (%(default)s)",
    )
    verb.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=(256, 192),
        metavar=("H", "W"),
        help="(256 192)",
    )
    verb.set_defaults(verb=_data_synth)

    verb = verbs.add_parser("tryon", help="dress a person: photos in, photo out")
    tryon_command.add_arguments(verb)
    verb.set_defaults(verb=tryon_command.main)

    verb = verbs.add_parser("report", help="finished runs as a table, as CSV, and their try-ons side by side")
    report_command.add_arguments(verb)
    verb.set_defaults(verb=_report)

    verb = verbs.add_parser("reproduce", help="the published tables and figures: run what is missing, then compare")
    reproduce_command.add_arguments(verb)
    verb.set_defaults(verb=reproduce_command.main)

    verb = verbs.add_parser("export", help="a run's network as a file for another machine")
    export_command.add_arguments(verb)
    verb.set_defaults(verb=export_command.main)

    verb = verbs.add_parser("energy", help="SSIM against the try-ons that an energy budget buys, measured or estimated")
    energy_command.add_arguments(verb)
    verb.set_defaults(verb=_energy)

    verb = verbs.add_parser("bench", help="ratios of speed, measured in one run")
    bench_command.add_arguments(verb)
    return parser


def _run(argv: list[str]) -> int:
    from vtryon.config import ConfigError, check_command_line, with_sweep

    flags = {
        "--help",
        "-h",
        "--hydra-help",
        "--version",
        "--cfg",
        "-c",
        "--info",
        "-i",
        "--shell-completion",
        "-sc",
    }
    if not flags & set(argv):
        try:
            overrides, config_dir, multirun = _overrides(argv)
            if multirun:
                whole = with_sweep(overrides, config_dir)
                argv, overrides = [*argv, *whole[len(overrides) :]], whole
            check_command_line(overrides, config_dir)
        except ConfigError as error:
            print(f"vtryon run: {error}", file=sys.stderr)
            return 2
    from vtryon.hydra_app import app

    app(argv)
    return 0


def _overrides(argv: list[str]) -> tuple[list[str], str | None, bool]:
    """The overrides, the folder of more recipes, and whether this is a sweep, as Hydra will read them."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--multirun", "-m", action="store_true")
    known, rest = parser.parse_known_args(argv)
    return [word for word in rest if not word.startswith("-")], known.config_dir, known.multirun


def _demo(args: argparse.Namespace) -> int:
    from vtryon.config import ConfigError

    try:
        from vtryon.demo import demo

        demo(args.runs, args.overrides)
    except ConfigError as error:
        print(f"vtryon demo: {error}", file=sys.stderr)
        return 2
    return 0


def _data_check(args: argparse.Namespace) -> int:
    from vtryon.data.verify import main

    return main(args.root)


def _data_unpack(args: argparse.Namespace) -> int:
    from vtryon.data.archive import main

    return main(args.archive, args.folder)


def _data_synth(args: argparse.Namespace) -> int:
    from vtryon.data.synthetic.embedded import draw

    try:
        draw(args.root, args.train, args.test, args.seed, tuple(args.size), args.workers)
    except (ValueError, OSError) as error:
        print(f"vtryon data synth: {error}", file=sys.stderr)
        return 2
    return 0


def _report(args: argparse.Namespace) -> int:
    done = report_command.main(args)
    if done or not args.upload:
        return done
    try:
        from vtryon.dashboard.upload import upload

        sent = upload(
            args.runs,
            reproduce_command.experiments_dir(),
            args.out or args.runs[0] / "reproduction",
            args.entity,
            args.project,
        )
    except ModuleNotFoundError as error:
        print(f'vtryon report: --upload needs {error.name}: pip install "vtryon[dashboards]"', file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"vtryon report: {error}", file=sys.stderr)
        return 2
    print(f"{sent} runs, the workspace and a report for each table are at wandb's {args.project}")
    return 0


def _energy(args: argparse.Namespace) -> int:
    try:
        if args.measure:
            from vtryon.deploy.energy_measure import measure_runs

            measure_runs(args.run)
        return energy_command.main(args)
    except (ValueError, OSError) as error:
        print(f"vtryon energy: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
