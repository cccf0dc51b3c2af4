"""One file per verb of the CLI, named like it; each has `main(arguments) -> int`. Libraries never import a command."""
