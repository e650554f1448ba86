"""Data gates: is a table fit to be worked on? Declared suites, run by Great Expectations, told without a single value of the data."""
