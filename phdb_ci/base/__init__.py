"""What every layer uses: files, locks, strict JSON. Nothing here knows of jobs, gates or the matrix."""
