"""Arguments in, exit code out. The one place where an exception becomes a message; no work is done here.

The verbs and their options are in `commands/_verbs.py`; each verb's own file is imported when it is run.
"""

import gc
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from phdb_ci import __version__
from phdb_ci.base.nearest import perhaps
from phdb_ci.base.page import REPLACE, table
from phdb_ci.commands._verbs import VERBS, Parser
from phdb_ci.errors import Exit, PhdbError, UsageError

HELP, VERSION = ("--help", "-h", "help"), "--version"
HEAD = """\
usage: phdb-ci VERB [OPTIONS]

Do these exact commits work together, and what evidence supports the answer?
"""
FOOT = f"""\
examples
  phdb-ci run                               list the gates and jobs
  phdb-ci run GATE                          run a gate at the pinned commits
  phdb-ci run JOB --repo NAME=../CHECKOUT   run a job on a working tree
  phdb-ci run --help                        show the options of a verb

exit codes
  {Exit.PASS:<4} pass
  {Exit.FAIL:<4} fail
  {Exit.USAGE:<4} wrong usage or matrix
  {Exit.INCOMPLETE:<4} incomplete, or this machine cannot run it
  {Exit.INTERRUPTED:<4} interrupted
"""


def help_text() -> str:
    """What `phdb-ci --help` shows."""
    blocks = []
    for group in dict.fromkeys(verb.group for verb in VERBS.values()):
        rows = [(f"  {verb.name:<10}", verb.summary) for verb in VERBS.values() if verb.group == group]
        blocks.append("\n".join([group, *table(rows), ""]))
    return "\n".join([HEAD, *blocks, FOOT])


def parsed(words: Sequence[str]) -> Namespace | None:
    """The arguments of a verb; None when help or the version was asked for, and shown. Raises UsageError."""
    name, *others = words or ("",)
    if name in HELP or name == VERSION:
        print(f"phdb-ci {__version__}" if name == VERSION else help_text())
        return None
    if name not in VERBS:
        fault = f"there is no verb {name}.{perhaps(name, [*VERBS, VERSION, *HELP])}" if name else "which verb?"
        raise UsageError(f"{fault}\nusage: phdb-ci VERB [OPTIONS]\nverbs: {', '.join(VERBS)}", tries=["phdb-ci --help"])
    from phdb_ci.base.files import usual_matrix

    arguments: Namespace = Parser(VERBS[name]).parse(others)
    arguments.verb = name
    arguments.matrix = arguments.matrix or usual_matrix()
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit code. Users see an error's message and what to try, never a traceback."""
    _write_anything()
    try:
        arguments = parsed(sys.argv[1:] if argv is None else argv)
        verb = import_module(f"phdb_ci.commands.{arguments.verb}") if arguments else None
        code = int(verb.main(arguments)) if verb else Exit.PASS
        sys.stdout.flush()  # here, where a reader that is gone or a full disk still gets its answer
    except PhdbError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of our output is gone, for example `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAIL
    except OSError as error:
        print(f"error: this machine refused: {error}", file=sys.stderr)
        return Exit.INCOMPLETE
    except Exception as error:  # noqa: BLE001 - anything else is a bug of ours
        return _bug(error)
    return code


def entry() -> None:
    """The program: `main`, and then the end at once.

    Python's own clean-up takes 35 ms after a plan, a seventh of its time, and there is nothing to clean up.
    """
    gc.set_threshold(50_000)  # what is imported stays in use; collecting again and again is slow
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _write_anything() -> None:
    """Replace a sign that the stream's encoding lacks by another one, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a stream of a test
            stream.reconfigure(errors=REPLACE)  # type: ignore[union-attr]


def _bug(error: Exception) -> int:
    """Keep the traceback in a file that is ready for a bug report; say where."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="phdb-ci-bug-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(f"phdb-ci {__version__}, Python {sys.version}, {sys.platform}\n\n")
        file.write("".join(traceback.format_exception(error)))
    print(
        f"error: phdb-ci itself failed: {type(error).__name__}: {error}\nThe details are in {file.name}",
        file=sys.stderr,
    )
    return Exit.INCOMPLETE
