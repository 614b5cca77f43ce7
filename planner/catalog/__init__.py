"""What exists: formats, accelerators, offers, models, engines, quality, storage and regions.

    catalog = load_catalog()
    catalog.accelerators["h100-sxm"].memory_bytes_usable

The entities' classes are in ``planner.catalog.schema``, one module per kind.
"""

from planner.catalog.catalog import Catalog, load_catalog

__all__ = ["Catalog", "load_catalog"]
