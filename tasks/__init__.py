"""The verbs: pure functions from rows and files to rows and files."""
