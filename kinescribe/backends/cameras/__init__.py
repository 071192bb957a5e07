"""How the camera moves, one backend per file (``plugins.load("cameras", name)``).

``_fit`` (robust maps between two pictures) and ``_summary`` (score and labels of a whole clip) know nothing of
how points were tracked, so that another backend can use them.
"""
