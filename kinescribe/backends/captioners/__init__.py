"""Writers of texts about a clip (``plugins.load("captioners", name)``)."""
