"""Wiring: the only room where all the others meet."""
