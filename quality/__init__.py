"""How often is each stage wrong? ``python -m quality`` answers with tables; nothing here is imported by the product."""
