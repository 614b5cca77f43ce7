"""What exists: formats, accelerators, offers, models, engines, quality, storage and regions."""
