"""How each engine divides a GPU's memory: one module per engine, one :class:`Runtime` as their common answer."""
