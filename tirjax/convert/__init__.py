"""Published weights in, without running their code."""
