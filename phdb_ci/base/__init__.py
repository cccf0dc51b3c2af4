"""What every layer uses: files, locks, strict JSON, text, GitHub addresses. It knows of no job, gate or matrix."""
