"""Policy as data: rules that people read and write, checked when loaded and evaluated over the candidate table."""
