"""Every repo of a run resolved to one commit. Git, below it, is the only place that runs git."""
