"""What the user can put right."""


class LisError(Exception):
    """Shown as one line, exit code 1."""
