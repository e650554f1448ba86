"""Emotion recognition by our own small networks, and why a clip got its label, to see and to hear."""
