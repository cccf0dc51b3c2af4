"""Guard `lic-ci-not-replaced`: the toolchain image lic-ci is used and extended, never replaced. Pure.

A finding is whatever builds, tags or pushes an image named lic-ci, a build stage of that name on another base, an image
for everything in its place (by its name, or a Dockerfile that installs LLVM and holds two or more of the repos). An
image beside it (`lidb-ci`), `FROM …/lic-ci` and pulling it are what the plan wants.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import code_lines, is_python, is_shell, is_test
from phdb_ci.guards.e2e import package_scripts
from phdb_ci.guards.kinds import ACTION, COMPOSE, DOCKERFILE, JUSTFILE, MAKEFILE, WORKFLOW
from phdb_ci.guards.shell import commands
from phdb_ci.guards.yaml import get, mappings, parse, scalars, text

LIC_CI = re.compile(r"(?:^|[\s/\"'=,])lic-ci(?:-?v?\d[\w.]*|-new|-next|-ng)?(?=$|[:@\s\"',$])")
EVERYTHING = re.compile(
    r"(?:^|[/\s])(?:[\w.-]*[-_])?(everything|monolith\w*|all-in-one|allinone|kitchen-sink|(?:lic|ph-db|phdb|"
    r"langverse)-(?:all|full|mono\w*))(?:[-_][\w.-]*)?(?=$|[:@\s])"
)  # fmt: skip
LLVM = re.compile(r"\b(llvm(-\d+|-dev|-toolchain)?|clang(-\d+|\+\+)?|lld(-\d+)?|apt\.llvm\.org)\b")
REPOS = re.compile(r"(?<![\w-])(lic|lidb|lis|li-cursor-agents|benchmarks)(?=[/\s:.]|$)")
FROM = re.compile(r"\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
NAMED = re.compile(
    r"--(?:tag|output|destination)=(.+)|-[qD]*[to]=?(.+)", re.DOTALL
)  # with its value in one word
NAMING = re.compile(r"--(?:tag|output|destination)|-[qD]*[to]")  # the value is the next word
GLOBAL = frozenset(
    {"--config", "-c", "--context", "-H", "--host", "-l", "--log-level", "--root", "--namespace", "-n"}
)
HELD = re.compile(r"\$\{\{\s*env\.(\w+)\s*\}\}|\$\{?(\w+)\}?")
MAX_VALUE = 300
GROUPS = frozenset({"image", "buildx", "builder", "container", "manifest", "compose"})
TOOLS = ("docker", "podman", "buildah", "nerdctl", "crane", "skopeo", "img", "buildctl", "executor", "kaniko")
ALONE = ("executor", "kaniko", "buildctl")  # they build, whatever their verb
CALL = re.compile(r"\s*(?:sudo\s+)?(?:docker|podman|buildah|nerdctl|crane|skopeo)\s")
ACTION_KEYS = ("tags", "images", "image", "image-name", "image_name", "repository", "push", "name")


def lic_ci_not_replaced(checkout: Checkout) -> Iterator[Finding]:
    """Every file that makes another image lic-ci, or one image of everything."""
    for file in checkout.files:
        if DOCKERFILE.search(file.path):
            yield from _dockerfile(file)
        elif any(kind.search(file.path) for kind in (WORKFLOW, COMPOSE, ACTION)):
            yield from _yaml(file)
        elif file.name == "package.json":
            for _, script, begin in package_scripts(file):
                yield from _commands(file, script, begin, {})
        elif is_python(file) and not is_test(file):
            yield from _python(file)
        else:
            yield from _script(file)


def _script(file: File) -> Iterator[Finding]:
    """Shell, recipes, bake files."""
    if is_shell(file):
        yield from _commands(file, "\n".join(code_lines(file)), 1, {})
    elif MAKEFILE.search(file.path) or JUSTFILE.search(file.path):
        text = re.sub(r"^([ \t]+)[@-]+", r"\1", "\n".join(code_lines(file)), flags=re.MULTILINE)
        yield from _commands(file, text, 1, {})
    elif "bake" in file.name and file.name.endswith((".hcl", ".json")):
        for number, line in enumerate(code_lines(file), 1):
            if LIC_CI.search(line) and "tags" in line:
                yield file.at(number, "builds another image as lic-ci")


def _dockerfile(file: File) -> Iterator[Finding]:
    lines = code_lines(file)
    based = False
    for number, line in enumerate(lines, 1):
        found = FROM.match(line)
        if not found:
            continue
        based = based or LIC_CI.search(found[1]) is not None
        if EVERYTHING.search(found[1]):
            yield file.at(number, "is based on an image of everything")
        if (found[2] or "").lower() == "lic-ci" and not LIC_CI.search(found[1]):
            yield file.at(number, "makes a stage lic-ci out of another image")
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*LABEL\b", line, re.IGNORECASE) and LIC_CI.search(line) and not based:
            yield file.at(number, "labels another image as lic-ci")
    installed = next(
        (n for n, line in enumerate(lines, 1) if LLVM.search(line) and not FROM.match(line)), None
    )
    copied = {
        repo
        for line in lines
        if re.match(r"\s*(?:(?:COPY|ADD|RUN)\b|&&)|.*\b(?:git clone|cmake|npm|pip)\b", line, re.IGNORECASE)
        for repo in REPOS.findall(line)
    }
    if installed and not based and len(copied) >= 2:
        what = f"LLVM and {', '.join(sorted(copied))}, not based on lic-ci"
        yield file.at(installed, f"is one image of everything: {what}")


def _yaml(file: File) -> Iterator[Finding]:
    root = parse(file)
    if isinstance(root, Finding):
        if "lic-ci" in file.text:
            yield root
        return
    environments = [get(part, "env") for part in mappings(root)]
    held = {key: value for env in environments for key, value in scalars(env) if LIC_CI.search(value)}
    for part in mappings(root):
        image = text(part, "image")
        built = [image] if "build" in part and LIC_CI.search(image) else []
        if re.search(r"docker|container|image|buildah|kaniko", text(part, "uses")):
            given = scalars(get(part, "with"))
            built += (value for key, value in given if key in ACTION_KEYS and _is_lic_ci(value, held))
        if any(word in ("kaniko", "executor") or "kaniko" in word for word in (image, text(part, "uses"))):
            words = [value for key, value in scalars(part) if key in ("args", "command", "entrypoint")]
            built += (one for one in words if one.startswith("--destination") and _is_lic_ci(one, held))
        yield from (file.at(value.line, "builds another image as lic-ci") for value in built)
    for key, value in scalars(root):
        if key == "run":
            yield from _commands(file, value, value.text_line, held)
        elif key in ("image", "container") and EVERYTHING.search(value):
            yield file.at(value.line, "runs in an image of everything")


def _commands(file: File, text: str, line: int, held: Mapping[str, str]) -> Iterator[Finding]:
    """`docker build -t`, `docker tag … X`, `docker push X` and their likes, variables followed."""
    held = dict(held)
    for command in commands(text, line):
        held |= {
            name: _filled(value, held) for name, value in command.assigned.items() if len(value) < MAX_VALUE
        }
        call = command.call
        tool = call[0].rpartition("/")[2] if call else ""
        if tool in TOOLS and any(_is_lic_ci(word, held) for word in _made(call)):
            yield file.at(command.line, "builds, tags or pushes an image as lic-ci")


def _made(call: tuple[str, ...]) -> Iterator[str]:
    """The image names that a command gives away."""
    verbs = _verbs(call)
    if call[0].rpartition("/")[2] in ALONE:
        yield from _flagged(call)
    if verbs & {"build", "bud", "commit", "import", "append", "mutate"}:
        yield from _flagged(call)
        if verbs & {"commit", "import"}:
            yield call[-1]
    elif verbs & {"tag", "push", "copy", "cp", "imagetools"}:
        yield call[-1]
        yield from _flagged(call)


def _verbs(call: tuple[str, ...]) -> set[str]:
    """`docker --context x image build …` → image, build."""
    rest = list(call[1:20])
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] in GLOBAL else 1]
    return set(rest[: 2 if rest[:1] and rest[0] in GROUPS else 1])


def _flagged(call: tuple[str, ...]) -> Iterator[str]:
    """What stands behind `-t`, `-qt`, `--tag=`, `-o`: in the same word or the next."""
    for before, word in pairwise(call):
        if NAMING.fullmatch(before):
            yield word
        elif named := NAMED.fullmatch(word):
            yield named[1] or named[2]


def _is_lic_ci(word: str, held: Mapping[str, str]) -> bool:
    return LIC_CI.search(_filled(word, held)) is not None


def _filled(word: str, held: Mapping[str, str]) -> str:
    """A word with the variables that are known put in, once each."""
    return HELD.sub(lambda found: held.get(found[1] or found[2], found[0])[:MAX_VALUE], word[:MAX_VALUE])


def _python(file: File) -> Iterator[Finding]:
    """Command lines in Python: lists that begin with the tool, and texts that do; names of constants followed."""
    if "lic-ci" not in file.text and "lic" not in file.text:
        return
    try:
        tree = ast.parse(file.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # no-sqlite says where Python cannot be read
    held = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1:
            call = tuple(_word(part) for part in node.elts)
            if call[0].rpartition("/")[2] in TOOLS and any(_is_lic_ci(word, held) for word in _made(call)):
                yield file.at(node.lineno, "builds, tags or pushes an image as lic-ci")
        elif isinstance(node, ast.Constant | ast.JoinedStr) and CALL.match(said := _word(node)):
            yield from _commands(file, said, node.lineno, held)


def _word(node: ast.expr) -> str:
    """A text expression with `${name}` where a name stands."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _word(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values
        )
    return f"${{{node.id}}}" if isinstance(node, ast.Name) else "?"
