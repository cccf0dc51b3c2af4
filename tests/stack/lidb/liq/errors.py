"""What can be wrong with a liq source."""


class LiqError(ValueError):
    """A source that does not parse, or that names a table or a column that the schema does not have."""
