"""Engines of the stand-in stack, each with its own edits, from one build directory."""

import subprocess
from pathlib import Path
from shutil import copy2, copytree

from tests.integration.gate.bench import JUNK, STACK


class Workshop:
    """A copy of lidb with its build directory: an engine with an edit costs one file and a link."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        copytree(STACK / "lidb", folder / "lidb", ignore=JUNK)
        self._make("-S", str(folder / "lidb"), "-B", str(folder / "build"), "-DCMAKE_BUILD_TYPE=Debug")

    def engine(self, edits: list[dict[str, str]], to: Path) -> Path:
        """The engine with these edits, as a file of its own; the copy is as before afterwards."""
        before = {edit["file"]: (self.folder / edit["file"]).read_text() for edit in edits}
        for edit in edits:
            apply(self.folder, edit)
        try:
            self._make("--build", str(self.folder / "build"), "--target", "lidb_embed", "-j", "2")
            return Path(copy2(self.folder / "build" / "lidb_embed", to))
        finally:
            for file, text in before.items():
                (self.folder / file).write_text(text)

    @staticmethod
    def _make(*arguments: str) -> None:
        done = subprocess.run(["cmake", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def apply(folder: Path, edit: dict[str, str]) -> None:
    """Replace a text that stands exactly once in a file of a stack."""
    path = folder / edit["file"]
    text = path.read_text()
    assert text.count(edit["old"]) == 1, f"{edit['old']!r} stands {text.count(edit['old'])} times in {path.name}"
    path.write_text(text.replace(edit["old"], edit["new"]))
