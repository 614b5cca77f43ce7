"""How a plan is told: terminal text, Markdown, HTML and JSON from the same view of the plan.

``text`` is plain Python so that the default output needs no template engine; ``environment`` and ``charts`` are
imported by the formats that use them. Nothing here decides anything: figures come from ``planner.plan``.
"""
