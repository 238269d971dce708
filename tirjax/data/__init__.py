"""Readers and the synthetic world: files or keys in, ``Sequence`` out."""
