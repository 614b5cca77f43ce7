"""Many variants of one scenario solved at once: how the plan and its cost move, and where they switch."""
