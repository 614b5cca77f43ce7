"""What a model needs in memory: weights by format, KV cache, and how each engine divides a GPU."""
