"""Words of a command line, `key=value`: their syntax, its mistakes, and the values that a sweep gives to a key."""

import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException

from vtryon.utils.home import with_home


class ConfigError(ValueError):
    """What is wrong with a config, a line a problem."""


def prepared(overrides: Sequence[str]) -> list[str]:
    """The overrides with `~` expanded in values that are paths, quoted so that Hydra reads the result as it is.

    Example:
        >>> prepared(["seed=1", "~data.root"])
        ['seed=1', '~data.root']
    """
    return [_expanded(override) for override in overrides]


def parse(overrides: Sequence[str]) -> list[Override]:
    """Hydra's reading of `key=value` overrides.

    Raises:
        ConfigError: naming each override that cannot be read, and how to write it.
    """
    parser = OverridesParser.create()
    parsed, mistakes = [], []
    for override in overrides:
        try:
            parsed.append(parser.parse_override(override))
        except HydraException as error:
            mistakes.append(_explain_syntax(override, str(error)))
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return parsed


def quoted(key: str, value: object) -> str:
    """`key='value'`, whatever characters the value has.

    Example:
        >>> quoted("data.root", "/a (b)/it's")
        "data.root='/a (b)/it\\\\'s'"
    """
    text = re.sub(r"(\\*)'", r"\1\1\\'", str(value))  # a backslash is one unless a quote follows
    ending = re.search(r"\\*$", text).group()
    return f"{key}='{text}{ending}'"


def spread(override: Override) -> list[str]:
    """The overrides that one stands for: itself, or one for each value of a sweep, or for both ends of an interval."""
    if not override.is_sweep_override():
        return [override.input_line]
    key = override.get_key_element()
    interval = override.value()
    if isinstance(interval, IntervalSweep):  # of real numbers, for a sweeper that searches
        return [f"{key}={bound}" for bound in (interval.start, interval.end)]
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def _expanded(override: str) -> str:
    key, equals, value = override.partition("=")
    if equals and re.match(r"~[\w.-]*(/|$)", value):
        return quoted(key, with_home(value))
    return override


def _explain_syntax(override: str, message: str) -> str:
    key, equals, value = override.partition("=")
    if not equals:
        return f"{override}: must be key=value, such as seed=1; `vtryon run --help` shows more"
    if not re.fullmatch(r"[+~]*[\w./@:-]+", key):
        return f"{override}: {key!r} is no key; a word is key=value, such as data.root=DIR"
    if value.startswith("'") or value.startswith('"'):
        example = quoted(key, value.strip(chr(39)))
        return f'{override}: {message.splitlines()[0]}; close the quotes, in a shell: "{example}"'
    special = ", ".join(dict.fromkeys(character for character in value if character in "=(){}[]~,;!#&<>^`\"'"))
    reason = f"has {special} with a meaning to Hydra" if special else message.splitlines()[0]
    return f'{override}: the value {reason}; quote it for Hydra and the shell: "{quoted(key, value)}"'
