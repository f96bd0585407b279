"""The verbs under `vtryon bench`: their arguments, and the one line that a mistake in them gets."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what there is to measure."""
    bench = parser.add_subparsers(required=True)
    verb = bench.add_parser("data", help="loading samples, against the released loader's work")
    verb.set_defaults(verb=_data)
    verb = bench.add_parser("train-step", help="a step of the student's training, against the released loop's work")
    verb.set_defaults(verb=_train_step)
    verb = bench.add_parser("sweep", help="what a ratio costs once others have left what all share")
    verb.add_argument("overrides", nargs="*", metavar="key=value", help="config keys for all ratios")
    verb.set_defaults(verb=_sweep)

    verb = bench.add_parser("correlation", help="every form of the correlation, as in table 5")
    verb.add_argument("--runs", type=int, default=100, help="of each form at each level (%(default)s)")
    _common(verb)
    verb.set_defaults(verb=_correlation)

    verb = bench.add_parser("model", help="whole networks on all runtimes, in turn")
    verb.add_argument("--run", type=Path, action="append", default=[], metavar="DIR", help="a finished run; repeatable")
    verb.add_argument(
        "--width",
        action="append",
        default=[],
        choices=("full", "pruned"),
        help="PF-AFN as released, or pruned as in table 3, with random weights; repeatable",
    )
    verb.add_argument(
        "--way",
        action="append",
        default=[],
        metavar="BACKEND[:PRECISION][:bN][:sN]",
        help="openvino:int8:b4 is a batch of 4, :s2 two streams; repeatable; default: all backends, one picture",
    )
    verb.add_argument("--rounds", type=int, default=10, help="timed calls of each (%(default)s)")
    _common(verb)
    verb.set_defaults(verb=_model)


def _common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--threads", type=int, help="default: what torch takes")
    verb.add_argument("--out", type=Path, metavar="FILE.csv", help="write the rows there")


def _data(args: argparse.Namespace) -> int:
    from vtryon.data.speed import main

    return main()


def _train_step(args: argparse.Namespace) -> int:
    from vtryon.training.speed import main

    return main()


def _sweep(args: argparse.Namespace) -> int:
    from vtryon.sweep_speed import main

    return main(args.overrides)


def _correlation(args: argparse.Namespace) -> int:
    def work() -> int:
        from vtryon.deploy_speed import correlation

        return correlation(args.runs, args.out)

    return _told("correlation", args, work)


def _model(args: argparse.Namespace) -> int:
    def work() -> int:
        from vtryon.deploy_speed import WAYS, model

        widths = args.width or ([] if args.run else ["full"])
        return model(args.run, widths, args.way or WAYS, args.rounds, args.out)

    return _told("model", args, work)


def _told(verb: str, args: argparse.Namespace, work: Callable[[], int]) -> int:
    import torch

    try:
        if args.threads is not None:
            torch.set_num_threads(args.threads)
        return work()
    except ImportError as error:
        print(f'vtryon bench {verb}: {error}; install it with: pip install "vtryon[deploy]"', file=sys.stderr)
        return 2
    except (ValueError, RuntimeError, OSError) as error:
        print(f"vtryon bench {verb}: {error}", file=sys.stderr)
        return 2
