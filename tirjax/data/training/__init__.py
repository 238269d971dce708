"""Training examples: frames drawn on the host, crops and labels made on the device."""
