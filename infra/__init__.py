"""The ground floor: errors, settings, store, ledger, build, compute, media."""
