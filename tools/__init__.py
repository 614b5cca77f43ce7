"""Programs for those who work on the planner; not part of the package."""
