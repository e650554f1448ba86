"""Programs that run in another engine's own environment, spoken to in JSON lines; they import nothing of ours."""
