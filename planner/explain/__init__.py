"""Why the plan is what it is, and why not something else: steps and causes as data, without layout."""
