"""Serving performance: the time of one engine iteration, and what a deployment makes of it under a load."""
