"""Which kind of file a path is. Pure, and of paths alone: what is in a file is not looked at."""

import re

DOCS = (".md", ".markdown", ".mdx", ".rst", ".adoc", ".txt", ".html", ".htm", ".svg")
WRITTEN = (".md", ".markdown", ".mdx", ".rst", ".adoc")  # docs that people write; the others may be data
NAMED_DOCS = frozenset({"readme", "changelog", "changes", "news", "features"})
NOT_DOCS = re.compile(
    r"(^|/)(cmakelists|[\w.-]*(requirements|constraints)[\w.-]*|requirements/[^/]+|conanfile)\.txt$",
    re.IGNORECASE,
)
C_LIKE = (
    ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts",
    ".tsx", ".rs", ".go", ".java", ".kt", ".swift", ".li", ".jsonc", ".json5", ".hcl",
    ".prisma",
)  # fmt: skip
SCRIPT = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
SHELL = (".sh", ".bash", ".zsh")
OTHER_CODE = (
    ".py", ".pyi", ".pyx", ".rb", ".pl", ".php", ".lua", ".cs", ".scala", ".zig", ".vue", ".svelte", ".toml", ".yml",
    ".yaml", ".service", ".env", ".m", ".mm",
)  # fmt: skip
TEST_PATH = re.compile(
    r"(^|/)(tests?|li-tests|__tests__|spec|e2e|fixtures)/|(^|/)(test_[^/]*|conftest)\.py$|[._-](test|spec)s?\.\w+$",
    re.IGNORECASE,
)
WORKFLOW = re.compile(r"^\.github/workflows/[^/]+\.ya?ml$")
ACTION = re.compile(r"(^|/)action\.ya?ml$")
DOCKERFILE = re.compile(
    r"(^|/)(dockerfile|containerfile)(\.[\w.-]+)?$|\.(dockerfile|containerfile)$", re.IGNORECASE
)
COMPOSE = re.compile(r"(^|/)[\w.-]*compose[\w.-]*\.ya?ml$", re.IGNORECASE)
BUILD_FILE = re.compile(
    r"(^|/)(cmakelists\.txt|[^/]*\.cmake(\.in)?|(gnu)?makefile(\.\w+)?|[^/]*\.mk|meson\.build|conanfile\.(txt|py)|"
    r"vcpkg\.json|configure(\.ac|\.in)?|build(\.bazel)?|[^/]*\.bzl|[^/]*\.pc(\.in)?|build\.rs|setup\.cfg)$",
    re.IGNORECASE,
)
REQUIREMENTS = re.compile(
    r"(^|/)([\w.-]*(requirements|constraints)[\w.-]*|requirements/[\w.-]+)\.(txt|in)$", re.IGNORECASE
)
PACKAGES = re.compile(r"(^|/)(\.gitmodules|pipfile|gemfile|brewfile|[^/]*\.nix)$", re.IGNORECASE)
MANIFEST = re.compile(r"(^|/)(package\.json|go\.mod|\.env(\.[\w.-]+)?)$", re.IGNORECASE)
MAKEFILE = re.compile(r"(^|/)((gnu)?makefile(\.(am|in))?|[^/]*\.mk)$", re.IGNORECASE)
JUSTFILE = re.compile(r"(^|/)\.?justfile$|\.just$", re.IGNORECASE)
# What shows how something looks, and is not the thing.
SPECIMEN = re.compile(
    r"(^|/)(fixtures?|examples?|samples?|testdata|mocks?|templates?|demos?)/", re.IGNORECASE
)
LOCK = re.compile(r"(^|[-_./])(lock|shrinkwrap)\b[^/]*$|\.lock$", re.IGNORECASE)


def base(name: str) -> str:
    """The name without `.in`: `config.h.in` is C, `Makefile.in` a makefile."""
    return name.removesuffix(".in")


def is_c_like(name: str) -> bool:
    """Comments in it are `//` and `/* */`."""
    return base(name).endswith(C_LIKE)


def must_be_read(path: str) -> bool:
    """Code, build files, settings and pages: one that cannot be read leaves something untold.

    Data may be as large and as binary as it likes: pictures, lock files, JSON, CSV, dumps, notebooks, plain text.
    """
    name = path.rpartition("/")[2].lower()
    if LOCK.search(name):
        return False
    return (
        is_c_like(name)
        or base(name).endswith((*SHELL, *OTHER_CODE, *WRITTEN))
        or name in NAMED_DOCS
        or any(
            kind.search(path) for kind in (DOCKERFILE, BUILD_FILE, REQUIREMENTS, PACKAGES, MANIFEST, JUSTFILE)
        )
    )
