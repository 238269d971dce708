"""Small pure functions on arrays, written for one example: batch them with ``vmap``."""
