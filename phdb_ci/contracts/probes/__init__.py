"""Scripts that run in the job's own Python, with lidb's packages; nothing of phdb-ci is there for them."""
