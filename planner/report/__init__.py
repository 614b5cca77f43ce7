"""How a plan is told: terminal text, Markdown, HTML, JSON and YAML, from the same view of the plan.

``text`` and ``structured`` are plain Python so that the default output needs no template engine; ``document`` and what
it draws with are imported for Markdown and HTML. Nothing here decides anything: figures come from ``planner.plan``.
"""
