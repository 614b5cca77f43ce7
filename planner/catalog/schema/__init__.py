"""The entities of the catalog: frozen, slotted dataclasses without any dependency.

Import them from the module of their kind (``planner.catalog.schema.formats`` ...); importing all of them at once
would cost every command some 20 ms.
"""
