"""Plan → Results: obtain the artifacts, run the legs, watch, cancel. Judging makes the verdict over what comes out."""
