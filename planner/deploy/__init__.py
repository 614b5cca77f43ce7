"""From a plan to the files that run it: ``planner render``.

    manifest(plan, "pytorchjob", inputs={"IMAGE": "..."})   # planner.deploy.render

A target is a template under ``templates/deploy`` with what fills it (``planner.deploy.targets``); a launcher says how a
framework is told what the plan decides (``planner.deploy.megatron``, ``planner.deploy.transformers``). A launcher
states all of a plan or refuses it: nothing that memory or time rest on is left to a default.
"""
