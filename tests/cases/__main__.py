"""``make cases``: every reproduction of a reported fault against a running system; one line per case.

The reproductions are no part of the product: they lie beside the checkout, in ``../shared/cases``. Without the folder
nothing is tried, and the exit code is 0. `samenspel demo` is started in a temporary home if no system with its
organisations runs. ``python -m tests.cases NAME…`` tries only the cases whose file begins with one of the names.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT.parent / "shared" / "cases"
COMMAND: Final = Path(sys.executable).with_name("samenspel")
INTERPRETERS: Final = {".py": sys.executable, ".sh": "bash"}
SUBMITTER: Final = "Gemeente Utrecht"
"""The organisation of the demo for which the cases submit."""
SECONDS_MAX: Final = 600
RESULTS: Final = {0: "ok", 1: "shown"}
"""Exit codes of a case. A case with another exit code proves nothing."""
Environment = Mapping[str, str]


def main(names: Sequence[str], folder: Path = FOLDER, command: Path = COMMAND) -> int:
    """0 if no fault shows, also without the folder; 1 if a fault shows, or a case has no result."""
    cases = [each for each in sorted(folder.glob("[0-9]*")) if not names or each.name.startswith(tuple(names))]
    if not cases:
        print(f"no cases tried: none in {folder}")
        return 0
    with running_system(command) as environment:
        results = [_print_result(case, *attempt(case, command, environment)) for case in cases]
    print(f"cases: {results.count('ok')} of {len(results)} ok, {results.count('shown')} shown")
    return int(any(result != "ok" for result in results))


@contextmanager
def running_system(command: Path) -> Iterator[Environment]:
    """The environment variables of a running system: that of the user, or a demo in a temporary home."""
    environment = dict(os.environ)
    if _is_usable(command, environment):
        yield environment
        return
    print("no demo runs: starting one in a temporary home", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="cases-") as folder:
        environment["SAMENSPEL_HOME"] = str(Path(folder) / "home")
        environment.pop("SAMENSPEL_PROFILE", None)
        try:
            _run([str(command), "demo"], environment, stdout=subprocess.DEVNULL, check=True)
            yield environment
        finally:
            _run([str(command), "reset", "--yes"], environment, stdout=subprocess.DEVNULL)


def _is_usable(command: Path, environment: Environment) -> bool:
    status = _run([str(command), "status", "--json"], environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if status.returncode:
        return False
    found = orjson.loads(status.stdout)
    return bool(found["ready"]) and SUBMITTER in {each["name"] for each in found["organisations"]}


def attempt(case: Path, command: Path, environment: Environment) -> tuple[str, str]:
    """The result of a case, and its output."""
    words = [INTERPRETERS[case.suffix], str(case), str(command)]
    try:
        done = _run(words, environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return "no result", f"still running after {SECONDS_MAX} s"
    text = done.stdout.decode(errors="replace")
    has_failed = done.returncode not in RESULTS or "Traceback (most recent call last)" in text
    return ("no result", f"{text}exit code {done.returncode}") if has_failed else (RESULTS[done.returncode], text)


def _run(words: Sequence[str], environment: Environment, **pipes: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, cwd=ROOT, env=environment, timeout=SECONDS_MAX, **pipes)  # type: ignore[call-overload,no-any-return]


def _print_result(case: Path, result: str, text: str) -> str:
    print(f"{result:<10} {case.name}", flush=True)
    if result != "ok":
        print(*(f"           {line}" for line in text.splitlines()[-10:]), sep="\n", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
