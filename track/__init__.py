"""The program that tracks: files, cameras and windows around the pure core."""
