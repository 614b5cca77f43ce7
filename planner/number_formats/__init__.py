"""Number formats as arithmetic: range, precision, and how a value is stored."""
