"""BIG-Bench Hard by test-time training: the second experiment of Akyürek et al. 2024 (arXiv 2411.07279)."""
