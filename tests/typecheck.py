"""The type checker of the suite's import hook: like beartype, but an int may stand for a float (PEP 484)."""

from beartype import BeartypeConf, beartype

typecheck = beartype(conf=BeartypeConf(is_pep484_tower=True))
