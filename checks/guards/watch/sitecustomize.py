"""What a Python program reports about itself: imports and libraries with "sqlite" in their name, and bound TCP ports.

Python imports this module when it starts, because its folder is the first of PYTHONPATH. It appends one JSON line per
event to $GUARDS_LOG and changes nothing for the program.
"""

import json
import os
import sys
import types


def _watch(event: str, args: tuple[object, ...]) -> None:
    if event in {"import", "ctypes.dlopen"} and "sqlite" in str(args[0]).lower():
        _report("imports" if event == "import" else "loads", str(args[0]))
    elif event == "socket.bind" and isinstance(args[1], tuple):
        _report("binds", f"{args[1][0]}:{args[1][1]}")


def _report(verb: str, what: str) -> None:
    frame: types.FrameType | None = sys._getframe(1)
    place = ""
    while frame is not None and not place:
        file = os.path.realpath(frame.f_code.co_filename)
        if file.startswith(_ROOTS) and os.path.isfile(file):
            place = f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    record = {"verb": verb, "what": what, "place": place, "program": " ".join(sys.argv[:3])}
    with open(_LOG, "a", encoding="utf-8") as log:
        log.write(json.dumps(record) + "\n")


_LOG = os.environ.get("GUARDS_LOG", "")
_ROOTS = tuple(os.environ.get("GUARDS_ROOTS", "").split(os.pathsep))
if _LOG:
    sys.addaudithook(_watch)
