"""proofs.json: what `phdb-ci prove` measured so far, read beside the matrix, merged with what is new."""

from pathlib import Path

from phdb_ci.errors import ResultsError
from phdb_ci.models.base import first_fault
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.proofs import ProofFile, Proofs

FILE = "proofs.json"
LIMIT = 16 * 1024 * 1024


def proofs_beside(matrix: Path) -> ProofFile:
    """The proofs of the folder of matrix.toml; none where there is no such file. Raises ResultsError."""
    return read_proofs(matrix.resolve().parent / FILE)


def read_proofs(path: Path) -> ProofFile:
    """What a file says was measured; nothing where there is no file. Raises ResultsError for another kind of file."""
    try:
        if path.stat().st_size > LIMIT:
            raise ResultsError(f"{path}: larger than {LIMIT} bytes")
        return ProofFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return ProofFile()
    except (OSError, ValueError, RecursionError) as error:
        reason = first_fault(error)
        raise ResultsError(f"{path}: not what phdb-ci prove writes: {reason}", tries=[f"rm {path}"]) from error


def merged(file: ProofFile, matrix: Matrix, new: Proofs) -> ProofFile:
    """The file with a new table in the place of the one of its stack; jobs that were not measured now stay."""
    old = file.of(new.stack)
    earlier = [proofs for proofs in (old.jobs if old else ()) if new.of(proofs.job) is None]
    order = list(matrix.jobs)
    jobs = sorted(
        (proofs for proofs in (*earlier, *new.jobs) if proofs.job in order), key=lambda proofs: order.index(proofs.job)
    )
    tables = [table for table in file.tables if table.stack != new.stack]
    tables.append(Proofs(stack=new.stack, jobs=tuple(jobs)))
    return ProofFile(tables=tuple(sorted(tables, key=lambda table: table.stack)))
