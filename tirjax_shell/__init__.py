"""What `train` and `track` share: their way in, their way out, the cache."""
