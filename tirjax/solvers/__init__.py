"""Iterative solvers that know nothing about tracking."""
