"""``python -m perf.parser``: words per second of reading captions, against the bare parser; loading; memory.

The texts are the captions of quality/mope. The bare parser is the shipped pipeline by ``nlp.pipe`` alone, as whoever
loads it runs it; we leave out its lemmatizer, since lemminflect knows verbs better. Both run in turns
in one process on one core and the best of the rounds counts, so that the ratio holds on a busy machine, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUNDS, REPEAT = 7, 6
SHARE, LOAD_S, MEMORY_MB = 0.8, 1.0, 500.0
"""Limits: at least this share of the bare parser's words a second, at most so long to load, and so much memory."""


def captions() -> list[str]:
    """Return the captions of every annotated set but the held-out one."""
    found = [
        json.loads(line)["caption"]
        for path in sorted((ROOT / "quality" / "mope").glob("dev*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return found * REPEAT


def here() -> dict[str, float]:
    """Measure in this process; import and load times only mean something in a fresh one."""
    started = time.process_time()
    import spacy

    imported = time.process_time()
    from kinescribe.backends.parsers.spacy import OWN
    from kinescribe.language import parse_all
    from kinescribe.language.mope import loaded

    reader = loaded("spacy")
    reader(["He walks."])
    ready = time.process_time()
    texts = captions()
    words = sum(len(text.split()) for text in texts)
    deque(parse_all(texts), maxlen=0)
    peak = _peak_kb()
    nlp = spacy.load(OWN)
    bare, lean, ours = [], [], []
    for _ in range(ROUNDS):
        begin = time.process_time()
        deque(nlp.pipe(texts, disable=["trainable_lemmatizer"]), maxlen=0)
        start = time.process_time()
        deque(nlp.pipe(texts), maxlen=0)
        middle = time.process_time()
        deque(parse_all(texts), maxlen=0)
        lean.append(start - begin)
        bare.append(middle - start)
        ours.append(time.process_time() - middle)
    return {
        "words": words, "bare": words / min(bare), "ours": words / min(ours), "lean": words / min(lean),
        "import_s": imported - started, "load_s": ready - imported, "peak_mb": peak / 1024,
    }  # fmt: skip


def _peak_kb() -> int:
    """Return the most memory that this process ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if "VmHWM" in line).split()[1])


def table() -> bool:
    """Measure in a fresh process, print a table, return whether the limits hold."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "perf.parser", "--here"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=env)
    found = json.loads(answer.stdout.splitlines()[-1])
    share = found["ours"] / found["bare"]
    rows = [
        ("captions read, words/s", f"{found['ours']:,.0f}", ""),
        ("bare parser, words/s", f"{found['bare']:,.0f}", ""),
        ("bare parser without its lemmatizer, as we use it, words/s", f"{found['lean']:,.0f}", ""),
        ("share of the bare parser's", f"{share:.2f}", f"at least {SHARE}"),
        ("import spaCy, s", f"{found['import_s']:.2f}", ""),
        ("load, s", f"{found['load_s']:.2f}", f"under {LOAD_S:g}"),
        ("peak memory, MB", f"{found['peak_mb']:.0f}", f"under {MEMORY_MB:.0f}"),
    ]
    print(
        f"\n### Reading captions, {found['words']:,.0f} words, one core\n\n| | | limit |\n| --- | ---: | --- |"
    )
    print("\n".join(f"| {' | '.join(row)} |" for row in rows), flush=True)
    return share >= SHARE and found["load_s"] < LOAD_S and found["peak_mb"] < MEMORY_MB


if __name__ == "__main__":
    if "--here" in sys.argv:
        print(json.dumps(here()))
    else:
        sys.exit(0 if table() else 1)
