"""A machine of its own for each test: nothing on PATH but fake programs, and an empty home."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain import cache, golang, pins
from tools.toolchain.console import Step

ROOT = Path(__file__).parent.parent.parent
_THIS_PYTHON = sys.executable
# Starts a program of that name with that environment, and returns its number.
Begin = Callable[..., int]
# As `cat` does, but without a process of its own: there are hundreds of these.
_SHOW = """
show() {
  [ -e "$ROOT/$1" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done < "$ROOT/$1"
}
"""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A folder that stands for a machine. What is not put on its PATH is not there: no engine is reached."""

    root: Path

    @property
    def bin(self) -> Path:
        """The only folder on PATH."""
        return self.root / "bin"

    def file(self, name: str, text: str = "") -> Path:
        """Return a file below the machine's root, its folders made."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def program(self, name: str, script: str = "", *, folder: Path | None = None) -> Path:
        """Write a program on PATH (or in `folder`) that records its calls and then runs the shell script.

        In the script `$ROOT` is the machine's root, `show FILE` prints one of its files if it is there, and
        the shell's usual tools are available.
        """
        log = self.root / f"{name}.calls"
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        begin = f"#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{log}'\nROOT='{self.root}' PATH=/usr/bin:/bin\n"
        path.write_text(f"{begin}{_SHOW}{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def calls(self, name: str) -> list[str]:
        """Return the program's calls: the arguments of each, on one line."""
        log = self.root / f"{name}.calls"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def called(self, name: str, *words: str) -> list[str]:
        """Return the calls that hold all of the words."""
        return [call for call in self.calls(name) if all(word in call for word in words)]


class Heard(Step):
    """A step that keeps what it is told and prints nothing."""

    def __init__(self) -> None:
        super().__init__("test", "testing")
        self.notes: list[str] = []
        self.results: list[str] = []
        self.lines: list[str] = []

    def tell(self, text: str) -> None:
        self.lines.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def result(self, text: str) -> None:
        self.results.append(text)


# `go env` and the toolchain's other calls; `go build` writes a file for each package, or fails on request.
GO = """
case "$1" in
  env) if [ "$2" = GOVERSION ]; then cat "$ROOT/go.version"; else echo "$ROOT/gocache"; fi ;;
  mod) ;;
  list)
    if [ "$2" = -m ]; then for last; do :; done; echo "$ROOT/modules/$last"
    else printf 'a\\nb\\nc\\n'; fi ;;
  build)
    if [ -e "$ROOT/go.error" ]; then cat "$ROOT/go.error" >&2; exit 1; fi
    echo "$CGO_ENABLED $GOFLAGS" > "$ROOT/go.flags"
    echo "$GOCACHE" > "$ROOT/go.cache"
    all="$*"
    while [ "$1" != -o ]; do shift; done
    folder="$2"; shift 2
    for package; do
      name="${package##*/}"
      case "$name" in v[0-9]*) name="${package%/*}"; name="${name##*/}" ;; esac
      echo "compiled $package" > "$folder$name"
      echo "$package" >&2
    done
    set -- "$all"
    if [ -e "$ROOT/go.link" ]; then . "$ROOT/go.link"; fi ;;
esac
"""


def with_go(machine: Machine, version: str = "go1.26.8") -> None:
    """Put a Go on PATH that compiles at once."""
    machine.file("go.version", version)
    machine.program("go", GO)


# A cluster in files: `nodes` are its containers, and with `serves` its control plane answers.
_KUBECTL = """
case "$*" in
  *"get nodes"*) [ -e "$ROOT/serves" ] || { echo "connection refused" >&2; exit 1; }; show serves ;;
  *"get namespace"*) [ -e "$ROOT/serves" ] || exit 1; printf 5ad1 ;;
  *" apply "*) [ ! -e "$ROOT/unready" ] || { rm "$ROOT/unready"; exit 1; } ;;
  *rollout*) [ ! -e "$ROOT/broken" ] || { echo "timed out waiting for the condition" >&2; exit 1; } ;;
esac
"""
_KIND = """
[ "$1 $2" = "create cluster" ] || exit 0
echo " • Joining worker nodes 🚜  ..."
[ ! -e "$ROOT/joins" ] || for _ in $(seq 1000); do
  ! grep -q -- "--server-side" "$ROOT/kubectl.calls" || { rm "$ROOT/joins"; break; }
  sleep 0.01
done
config="$(printf '%s' "$*" | sed 's/.*--config \\([^ ]*\\).*/\\1/')"
sed -n 's/.*containerPath: //p' "$config" > "$ROOT/mounts"
# A container has its mounts as soon as it exists.
printf 'x-control-plane\\nx-worker\\nx-worker2\\n' > "$ROOT/nodes"
[ ! -e "$ROOT/kind.error" ] || { cat "$ROOT/kind.error" >&2; exit 1; }
while [ "$1" != --kubeconfig ]; do shift; done
: > "$2"
printf 'True\\nTrue\\nTrue\\n' > "$ROOT/serves"
"""
ENGINE = """
case "$1" in
  info|image|manifest) ;;
  ps) show nodes ;;
  rm) for last; do :; done; left="$(show nodes)"; : > "$ROOT/nodes"
    for node in $left; do [ "$node" = "$last" ] || echo "$node" >> "$ROOT/nodes"; done ;;
  network) [ ! -e "$ROOT/taken" ] || [ "$3" != --ip ] || exit 1 ;;
  exec) [ ! -e "$ROOT/numb" ] || exit 1 ;;
  inspect) case "$3" in *Status*) show status ;; *Mounts*) show mounts ;; *'$name'*) show networks ;;
    *) echo "10.0.0.${#4} " ;; esac ;;
  start|unpause)
    [ ! -e "$ROOT/stuck" ] || exit 1
    [ -e "$ROOT/dead" ] || printf 'True\\nTrue\\nTrue\\n' > "$ROOT/serves" ;;
esac
"""


def with_kind(machine: Machine) -> Path:
    """Put kind and kubectl where an earlier run would have left them; returns their folder."""

    def make(folder: Path) -> None:
        machine.program("kubectl", _KUBECTL, folder=folder)
        machine.program("kind", _KIND, folder=folder)

    return cache.entry("bin", golang.digest(pins.KIND_BUILD), make)


def python(script: str, folder: Path = ROOT) -> "subprocess.Popen[str]":
    """Start another process of this Python that can import the project in `folder` and no more."""
    pipe = subprocess.PIPE
    command = [_THIS_PYTHON, "-S", "-c", script]
    return subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)  # noqa: S603 - itself


def ended(child: "subprocess.Popen[str]") -> None:
    """End a child of the test as a power failure would."""
    child.send_signal(signal.SIGKILL)
    child.communicate()


def writes(text: str = "content", name: str = "file") -> Callable[[Path], None]:
    """Return a maker of cache entries that writes one file."""

    def make(folder: Path) -> None:
        (folder / name).write_text(text, encoding="utf-8")

    return make
