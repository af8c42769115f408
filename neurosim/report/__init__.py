"""Tables and self-contained HTML pages."""
