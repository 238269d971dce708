"""The program that makes networks: files and flags around the pure core."""
