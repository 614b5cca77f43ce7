"""From candidates to the cheapest plan, with its proof."""
