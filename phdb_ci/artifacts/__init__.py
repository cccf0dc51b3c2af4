"""What is built once per platform and shared: its store, its bundle for another machine, the witness of its calls."""
