"""What trackers put on top of a backbone."""
