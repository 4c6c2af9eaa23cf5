"""Solve ARC-AGI tasks with test-time training and program synthesis together."""
