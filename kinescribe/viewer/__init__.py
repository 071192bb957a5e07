"""What people look at: annotated clips (``overlay``) and the report (``report``). They read a run, never a model.

Neither needs more of a run than ``exporters.RunReader``. A source that has moved or broken costs its picture, not
the numbers.
"""
