"""Python functions and types as Claude's tools: the schema of each, the check of its arguments, its run, its result."""
