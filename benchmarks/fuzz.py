"""Damaged files by the thousand: each ends in a result or in one sentence, soon, and without filling the memory.

``python -m benchmarks.fuzz`` reads ten thousand pictures and five hundred checkpoints in a process of their own, which
is ended where one file takes ten seconds of its processor, or two minutes, and may take some memory only, where the
platform can say so. What happened goes to ``benchmarks/results/fuzz.json``. The same seed makes the same files.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, cast

from benchmarks.damage import Damage
from explorer.errors import ExplorerError

SECONDS = 10
"""Of the processor, for one file."""

PATIENCE = 120
"""Seconds for one file, whatever it waits for; a busy machine is no fault."""

START = 300
"""Seconds in which the process begins."""

MEMORY = 2 * 2**30
"""Bytes beyond what the process has taken when it begins."""

ROOT = Path(__file__).resolve().parents[1]
DOORS = {"pictures": "benchmarks.damage:pictures", "checkpoints": "benchmarks.damage:checkpoints"}


@dataclass
class Found:
    """What became of damaged files.

    Attributes:
        door: The function that damages and reads them, as ``module:name``.
        seed: Of the damage.
        read: How many were read all the same.
        refused: How many were refused in one sentence.
        faults: What else happened, with the number of the file.
        peak: Memory of the process in MiB, at most.
    """

    door: str
    seed: int
    read: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)
    peak: float = 0


def watch(
    door: str, count: int, seed: int = 0, *, seconds: float = SECONDS, patience: float = PATIENCE, memory: int = MEMORY
) -> Found:
    """Damage and read files in a process that may fail, and go on after the one at which it did.

    Args:
        door: The function that gives a ``Damage``, as ``module:name``.
        count: How many files.
        seed: Of the damage.
        seconds: Of the processor, for one file.
        patience: Seconds for one file.
        memory: Bytes beyond what the process has taken when it begins.

    Returns:
        What became of them.
    """
    found, first = Found(door, seed), 0
    while first < count:
        first = _go_on(found, first, count, [str(seconds), str(memory)], patience)
    return found


def _go_on(found: Found, first: int, count: int, limits: list[str], patience: float) -> int:
    """Read files in a process until it is done, fails or is ended; the number of the file to go on with."""
    job = [found.door, str(first), str(count), str(found.seed), *limits]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    settings = os.environ | {"PYTHONPATH": path}
    with (
        TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fuzz", "--child", *job],
            stdout=subprocess.PIPE, stderr=said, text=True, env=settings,
        ) as child,
    ):  # fmt: skip
        at: int | None = None  # the file that it reads
        for line in _lines(cast(IO[str], child.stdout), patience):
            if line is None:
                child.kill()
                break
            note = json.loads(line)
            found.peak = max(found.peak, note["peak"])
            at = note["file"]
            if "what" in note:
                _note(found, note)
        code = child.wait()
        said.seek(0)
        text = said.read()
    if code == 0 and "Traceback" not in text:
        return count
    if at is None or code == 0:
        raise RuntimeError(f"{found.door} does not work: {text[-2000:]}")
    last = (text.strip().splitlines() or [""])[-1]
    found.faults.append(f"{at}: {_ending(code, limits[0])} {last[:300]}".strip())
    return at + 1


def _note(found: Found, note: dict[str, Any]) -> None:
    if note["what"] in {"read", "refused"}:
        setattr(found, note["what"], getattr(found, note["what"]) + 1)
    else:
        found.faults.append(f"{note['file']}: {note['what']}")


def _ending(code: int, seconds: str) -> str:
    if hasattr(signal, "SIGPROF") and code == -signal.SIGPROF:
        return f"took more than {seconds} s of the processor"
    if hasattr(signal, "SIGKILL") and code == -signal.SIGKILL:
        return "stood still, or was ended from outside"
    return f"the process ended with {code}"


def _lines(stream: IO[str], patience: float) -> Iterator[str | None]:
    """The lines as they come; None where the next one does not come in time."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            waiting.put(line)
        waiting.put("")

    threading.Thread(target=read, daemon=True).start()
    allowed = max(patience, START)
    while True:
        try:
            line = waiting.get(timeout=allowed)
        except queue.Empty:
            yield None
            return
        if not line:
            return
        yield line
        allowed = patience


def read_files(door: str, first: int, count: int, seed: int, seconds: float, memory: int) -> None:
    """The child: tells of every file before and after it on a line of its own.

    Args:
        door: As in ``watch``.
        first: Number of the first file.
        count: Number after the last one.
        seed: Of the damage.
        seconds: Of the processor, for one file.
        memory: Bytes beyond what the process has taken.
    """
    module, _, name = door.partition(":")
    damage: Damage = getattr(import_module(module), name)()
    _limit_memory(memory)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what decoders print goes elsewhere
    for number in range(first, count):
        print(json.dumps({"file": number, "peak": peak()}), file=out)
        with _processor_time(seconds):
            what = outcome(damage, random.Random(f"{seed}-{number}"))
        print(json.dumps({"file": number, "what": what, "peak": peak()}), file=out)


def outcome(damage: Damage, draws: random.Random) -> str:
    """What becomes of one file.

    Args:
        damage: Damages and reads it.
        draws: What its damage is drawn from.

    Returns:
        "read", "refused", or what else happened.
    """
    try:
        damage(draws)
    except ExplorerError as error:
        if any(isinstance(cause, MemoryError) for cause in _causes(error)):
            return f"wanted more memory than it may have: {error}"
        return "refused" if str(error) and "\n" not in str(error) else f"no sentence: {error}"
    except Exception as error:  # noqa: BLE001  # every kind is a find
        return f"{type(error).__name__}: {str(error)[:300]}"
    return "read"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextlib.contextmanager
def _processor_time(seconds: float) -> Iterator[None]:
    """End this process where the block takes more: by a signal, which reaches it inside of compiled code, too."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)


def _limit_memory(memory: int) -> None:
    status = Path("/proc/self/statm")
    if not status.exists():  # elsewhere there is no such limit, or nobody keeps it
        return
    import resource

    taken = int(status.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + memory, resource.RLIM_INFINITY))


def peak() -> float:
    """The most memory that this process took so far, in MiB; 0 where the platform does not say."""
    try:
        import resource
    except ImportError:
        return 0
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(kib / 1024 / (1024 if sys.platform == "darwin" else 1), 1)


def main() -> None:
    """Fuzz, print what was found, and write it down; fails where anything but results and sentences was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--checkpoints", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=6, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        door, first, count, seed, seconds, memory = given.child
        read_files(door, int(first), int(count), int(seed), float(seconds), int(memory))
        return
    results = []
    for what, door in DOORS.items():
        found = watch(door, count := getattr(given, what), given.seed)
        results.append({"what": what, "count": count} | asdict(found))
        print(f"{count:,} {what}, seed {given.seed}: {found.read:,} read, {found.refused:,} refused in a sentence, "
              f"{len(found.faults)} faults, at most {found.peak:.0f} MiB")  # fmt: skip
        print(*found.faults, sep="\n")
    target = ROOT / "benchmarks" / "results" / "fuzz.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=1), encoding="utf-8")
    sys.exit(any(one["faults"] for one in results))


if __name__ == "__main__":
    main()
