"""Completion of ``roilab ...`` in bash, zsh and fish.

Each shell calls ``roilab _complete WORDS`` with the words up to the cursor, the last one incomplete
(maybe empty), and gets one candidate a line. A candidate that ends with ``=``, ``.`` or ``/`` goes
on; the shell adds no space behind it.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from roilab.command_line.arguments import OPTIONS, Arguments, split
from roilab.command_line.conf_file import Key
from roilab.command_line.help_page import show
from roilab.command_line.keys import Command, ConfFolders, config_dir
from roilab.reference_networks import reference_names

# Last names of the keys whose values are files, folders, or names of reference networks.
NETWORK_KEYS = frozenset(("network", "weights", "teacher"))
# Last names of the keys whose values are files or folders.
PATH_KEYS = frozenset(
    (
        *NETWORK_KEYS,
        *("dir", "output_dir", "sample", "samples", "rec", "tru", "resume", "log"),
        "frames",
        *("encoder_weights", "simulated_dir", "train_files", "val_files", "test_files"),
    )
)
_ONE_OF = {"--cfg": ("job", "hydra", "all"), "completion": ("bash", "zsh", "fish")}
_LONG = {"-cd": "--config-dir", "-c": "--cfg"}

_BASH = r"""# Completion of roilab in bash: eval "$(roilab completion bash)"
_roilab() {
    local line=${COMP_LINE:0:COMP_POINT} words word
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    word=${words[${#words[@]}-1]}
    mapfile -t COMPREPLY < <(roilab _complete "${words[@]:1}" 2>/dev/null)
    # Readline replaces only what follows the last = or :.
    local before=${word%"${word##*[=:]}"}
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
    [[ ${COMPREPLY[0]} == *[=./] ]] && compopt -o nospace 2>/dev/null
}
complete -F _roilab roilab"""

_ZSH = r"""# Completion of roilab in zsh: eval "$(roilab completion zsh)"
_roilab() {
    local -a found
    found=("${(@f)$(roilab _complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -Q -S '' -- ${(M)found:#*[=./]}
    compadd -Q -- ${found:#*[=./]}
}
compdef _roilab roilab"""

_FISH = r"""# Completion of roilab in fish: roilab completion fish | source
function __roilab_complete
    set -l words (commandline -opc) (commandline -ct)
    roilab _complete $words[2..] 2>/dev/null
end
complete -c roilab -f -a '(__roilab_complete)'"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def candidates(words: Sequence[str], verbs: Iterable[str]) -> list[str]:
    """Return what can stand in the place of the last word.

    Args:
        words: of the line after ``roilab``, up to the cursor.
        verbs: all verbs.
    """
    *before, word = words or [""]
    if not before:
        return _starting([*verbs, "--help", "--version"], word)
    verb, *before = before
    if verb in _ONE_OF:
        return _starting(_ONE_OF[verb], word)
    option = _LONG.get(before[-1], before[-1]) if before else ""
    if not (config_dir() / f"{verb}.yaml").is_file() or option == "--config-dir":
        return _paths("", word)  # without a configuration the arguments of a verb are files
    if option in _ONE_OF or word.startswith("-"):
        return _starting(_ONE_OF.get(option, [*OPTIONS, "-m"]), word)
    return _overrides(verb, split(before), word)


def _overrides(verb: str, arguments: Arguments, word: str) -> list[str]:
    folders = ConfFolders(arguments.options.get("--config-dir") or None)
    command = Command(verb, arguments.overrides, folders)
    name, equals, value = word.partition("=")
    if equals:
        return _values(command, name, value)
    names = _names(command, name)
    if "--help" in arguments.options:
        return list(dict.fromkeys(found.rstrip("=.") for found in names))
    return names


def _names(command: Command, start: str) -> list[str]:
    """Complete a name by one level: groups, keys, and names with further keys inside."""
    visible = {
        name: key
        for name, key in command.flat.items()
        if not any(part.startswith("_") for part in name.split("."))
        and name.split(".")[0] not in ("hydra", "run_dir")
    }
    parent = start.rpartition(".")[0]
    keys = [f"{n}{'.' if key.children else '='}" for n, key in visible.items()
            if n.rpartition(".")[0] == parent]  # fmt: skip
    groups = [f"{name}=" for name in command.groups if "@" in start or "@" not in name]
    groups = [] if parent and "@" not in start else groups
    return _starting(dict.fromkeys([*groups, *keys]), start)


def _values(command: Command, name: str, value: str) -> list[str]:
    """Complete the value of a key or the choice of a group; of a list the last item."""
    bare = name.lstrip("+")
    group = bare.partition("@")[0]
    done, last = _split_list(value)
    start = f"{name}={done}"
    if command.folders.is_group(group):
        found = _starting(command.folders.choices(group), last)
        return [f"{start}{choice}" for choice in found]
    key = command.flat.get(bare)
    if bare.rpartition(".")[2] in PATH_KEYS:
        names = reference_names() if bare.rpartition(".")[2] in NETWORK_KEYS else []
        return [*(f"{start}{one}" for one in _starting(names, last)), *_paths(start, last)]
    if key is None or key.children is not None:
        return []
    if isinstance(key.value, bool):
        return [f"{start}{one}" for one in _starting(("true", "false"), last)]
    return [f"{start}{one}" for one in _starting(_default(key), last)]


def _default(key: Key) -> list[str]:
    text = show(key)
    return [] if key.value in (None, "???") or "${" in str(key.value) else [text]


def _split_list(value: str) -> tuple[str, str]:
    """Split ``[a,b`` or ``a,b`` into what is complete and its last item."""
    end = max(value.rfind(","), 0 if value.startswith("[") else -1) + 1
    return value[:end], value[end:]


def _paths(before: str, start: str) -> list[str]:
    """Complete a path; a folder ends with ``/``."""
    shown = start.rpartition("/")[0] + "/" if "/" in start else ""
    folder = Path(os.path.expanduser(shown or "."))
    name = start.removeprefix(shown)
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    visible = [one for one in entries if name.startswith(".") or not one.name.startswith(".")]
    paths = [f"{one.name}{'/' if one.is_dir() else ''}" for one in visible]
    return [f"{before}{shown}{path}" for path in _starting(paths, name)]


def _starting(names: Iterable[str] | Mapping[str, object], start: str) -> list[str]:
    return [name for name in names if name.startswith(start)]
