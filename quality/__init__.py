"""Measures, policies and the gate."""
