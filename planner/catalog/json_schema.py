"""JSON Schemas of the catalog's files, for editors of one's own entities."""

from __future__ import annotations

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def catalog_json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a file of that kind. Raises KeyError for an unknown kind."""
    from planner.catalog.kinds import entity_class
    from planner.catalog.offers_document import ProviderDocument
    from planner.catalog.validation import model_of

    model = ProviderDocument if kind == "offers" else model_of(entity_class(kind))
    return {"$schema": DIALECT, "$id": f"catalog-{kind}.schema.json", **model.model_json_schema()}


def offers_json_schema() -> dict[str, Any]:
    """Return the schema of a provider's offers."""
    return catalog_json_schema("offers")


def accelerator_json_schema() -> dict[str, Any]:
    """Return the schema of an accelerator."""
    return catalog_json_schema("accelerators")


def model_json_schema() -> dict[str, Any]:
    """Return the schema of a model."""
    return catalog_json_schema("models")
