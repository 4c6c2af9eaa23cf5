"""The value graph: a fast bottom-up search over pictures and lists of pictures (Wind 2020, own form)."""
