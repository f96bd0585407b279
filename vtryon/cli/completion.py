"""What the Tab key offers: verbs and options by Typer, and the words of a run by conf/."""

from pathlib import Path
from typing import Annotated, Literal

import typer

VARIABLE = "_VTRYON_COMPLETE"  # set by the scripts of the shells when they ask for what may follow

# bash splits words at = and :, and replaces the last piece alone: what stands before it is taken off the offers
BASH = """\
_vtryon_completion() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} word start
    word=${line##*[[:space:]]}
    start=${word%"${word##*[=:]}"}
    COMPREPLY=($(_VTRYON_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS="$line" \\
        "$1" 2>/dev/null | cut -f1))
    COMPREPLY=("${COMPREPLY[@]#"$start"}")
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=.] ]] && compopt -o nospace
    return 0
}
complete -o default -F _vtryon_completion vtryon"""

# a key goes on after its = or dot, so that no space follows it, as typer's script would have it
ZSH = """\
#compdef vtryon
_vtryon_completion() {
    local -a offers open closed
    offers=(${(f)"$(env _VTRYON_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \\
        _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" vtryon 2>/dev/null)"})
    open=(${(M)offers:#*[=.]})
    closed=(${offers:#*[=.]})
    closed=(${closed/$'\\t'/:})
    (( $#offers )) || _files
    (( $#open )) && compadd -S '' -a open
    (( $#closed )) && _describe vtryon closed
}
compdef _vtryon_completion vtryon"""
SCRIPTS = {"bash": BASH, "zsh": ZSH}


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="The shell in use.")],
) -> None:
    """Print a script for the Tab key.

    It completes verbs, recipes and keys: `source <(vtryon completion bash)`, likewise zsh after `compinit`;
    `vtryon completion fish | source`.
    """
    from typer.completion import get_completion_script

    print(SCRIPTS.get(shell) or get_completion_script(prog_name="vtryon", complete_var=VARIABLE, shell=shell))


def prepare() -> None:
    """Let typer know how each shell asks, which it does only where its own options for completion are offered."""
    from typer.completion import completion_init

    completion_init()


def complete_word(ctx: typer.Context, incomplete: str) -> list[str]:
    """Words that may follow on the command line: choices of a group after `group=`, otherwise groups and keys."""
    from vtryon.config.compose import conf_dir

    key, equals, _ = incomplete.partition("=")
    if equals:
        folder = conf_dir() / key
        files = sorted(folder.glob("[!_]*.yaml")) if folder.is_dir() else []
        return [f"{key}={file.stem}" for file in files]
    groups = [f"{folder.name}=" for folder in _groups(conf_dir())]
    arguments = ctx.params.get("arguments") or ctx.params.get("overrides") or []
    overrides = [argument for argument in arguments if "=" in argument]
    return [*groups, *_keys(overrides, incomplete.lstrip("+"))]


def _groups(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir())


def _keys(overrides: list[str], incomplete: str) -> list[str]:
    """Keys of the config of `overrides`, at the level that is being typed; `key.` where there are keys below it."""
    from omegaconf import DictConfig, OmegaConf

    from vtryon.config.compose import composed
    from vtryon.config.words import ConfigError

    try:
        cfg = composed(overrides)
    except ConfigError:  # completion says nothing of mistakes
        cfg = composed()
    parent = incomplete.rpartition(".")[0]
    node = OmegaConf.select(cfg, parent) if parent else cfg
    if not isinstance(node, DictConfig):
        return []
    keys = []
    for name in node:
        key = f"{parent}.{name}" if parent else str(name)
        is_node = OmegaConf.is_config(node._get_node(name))
        keys.append(f"{key}." if is_node else f"{key}=")
    return keys
