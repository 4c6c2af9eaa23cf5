"""Test-time training in parts: data, loop, adapters, steps of other networks; ``ensemble.ttt`` joins them."""
