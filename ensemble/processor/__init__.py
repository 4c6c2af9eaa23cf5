"""The embedded network written out for a processor: training steps, decoding, LoRA on stacked weights."""
