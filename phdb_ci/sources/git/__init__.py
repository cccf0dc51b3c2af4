"""Everything that phdb-ci does with git. Nothing in it knows of jobs, gates or the matrix."""
