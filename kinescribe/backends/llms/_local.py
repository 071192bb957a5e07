"""A checkpoint that answers requests in this process: words and pictures to numbers, numbers to words."""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import jinja2
import numpy as np
from jaxtyping import UInt8

from kinescribe.backends.nets import huggingface
from kinescribe.errors import BackendError
from kinescribe.llm.messages import CallError, Image, Request, Text, schema_of

WHO = "hf"
SEEING = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe")
"""Architectures that take pictures, all in the same way: patches, and a token for each 2 x 2 of them."""


class Ready(NamedTuple):
    """A request as the model takes it."""

    ids: tuple[int, ...]
    """Tokens, each picture's among them."""
    pixels: Any
    """Tensor of patches of all pictures, or None."""
    grid: Any
    """Tensor, a row for each picture: 1, patches down, patches across; or None."""
    request: Request
    notes: tuple[str, ...]


class Told(NamedTuple):
    """What a model wrote."""

    ids: tuple[int, ...]
    """With the token that ends it, if it came to it."""
    ended: bool
    text: str
    raw: str
    """With tokens that are no text."""


# --- the model ---


_LOADED: weakref.WeakValueDictionary[tuple[int, str, str, str], Loaded] = weakref.WeakValueDictionary()
_LOADING = threading.Lock()


def loaded(model: str, device: str, dtype: str) -> Loaded:
    """Return a model; one that is in use already is shared, so that two stages do not hold the same weights twice."""
    key = (os.getpid(), model, device, dtype)
    with _LOADING:
        found = _LOADED.get(key)
        if found is None:
            found = _LOADED[key] = Loaded(model, device, dtype)
        return found


class Loaded:
    """A model on its device, with what turns requests into its numbers."""

    def __init__(self, model: str, device: str, dtype: str) -> None:
        library = huggingface.transformers(WHO)
        folder = huggingface.checkpoint(model, WHO)
        self.lock = threading.Lock()
        self._name, self._where = model, huggingface.place(device, dtype, WHO)
        make, self.sees = _kind(library, folder)
        self._tokenizer = huggingface.processor(library.AutoTokenizer, folder, WHO)
        self._template = _template(folder, self._tokenizer)
        self._pictures: Any = None
        if self.sees:
            self._pictures = huggingface.processor(library.AutoImageProcessor, folder, WHO, backend="pil")
        self._net = huggingface.load(make, folder, self._where, WHO)
        self._longest = int(
            getattr(self._net.config.get_text_config(), "max_position_embeddings", 0) or 1 << 30
        )
        self._ends = _ends(self._net, self._tokenizer, folder)
        # A request says everything: the checkpoint's own ways of sampling do not count.
        self._net.generation_config = library.GenerationConfig()
        self._marks = _marks(self._tokenizer)
        self._picture_id = int(self._net.config.image_token_id) if self.sees else -1

    def ready(self, request: Request, max_pixels: int, max_total_pixels: int) -> Ready:
        """Return a request as numbers.

        Args:
            request: what is asked.
            max_pixels: of one picture.
            max_total_pixels: of all of them.

        Raises:
            CallError: the model cannot take this request.
            BackendError: its chat template does not work.
        """
        images = [part for part in request.flat() if isinstance(part, Image)]
        if images and not self.sees:
            raise CallError(
                "rejected", f"{WHO}: {self._name} sees no pictures; take a Qwen2.5-VL or Qwen3-VL checkpoint"
            )
        pixels, grid = None, None
        counts: list[int] = []
        notes: list[str] = []
        if images:
            most = min(max_pixels, max_total_pixels // len(images))
            if most < max_pixels:
                notes.append(f"{len(images)} pictures of at most {most} pixels each, for max_total_pixels")
            pixels, grid = self._patches(images, most)
            counts = (grid.prod(1) // self._pictures.merge_size**2).tolist()
        words = self._words(request, notes)
        ids = tuple(self._spread(self._tokenizer(words, add_special_tokens=False)["input_ids"], counts))
        if len(ids) + request.max_tokens > self._longest:
            raise CallError(
                "rejected",
                f"{WHO}: a request of {len(ids)} tokens and an answer of {request.max_tokens} are more than the "
                f"{self._longest} that {self._name} holds; show fewer or smaller pictures, or lower max_tokens",
            )
        return Ready(ids, pixels, grid, request, tuple(notes))

    def _patches(self, images: Sequence[Image], most_pixels: int) -> tuple[Any, Any]:
        """Return the patches of all pictures, and how many each has."""
        least = min(int(self._pictures.size["shortest_edge"]), most_pixels)
        try:
            made = self._pictures(
                [_decoded(image) for image in images],
                size={"shortest_edge": least, "longest_edge": most_pixels},
                input_data_format="channels_last",
                return_tensors="pt",
            )
        except ValueError as error:  # e.g. a strip more than 200 times as long as wide
            raise CallError("rejected", f"{WHO}: a picture cannot be shown: {error}") from error
        return made["pixel_values"], made["image_grid_thw"]

    def _words(self, request: Request, notes: list[str]) -> str:
        """Return the whole conversation in the form that the model was trained on."""
        system = request.system
        if request.schema is not None:
            schema = json.dumps(schema_of(request.schema))
            asked = f"Answer with one JSON object of this schema and nothing else:\n{schema}"
            system = f"{system}\n\n{asked}".strip()
            notes.append("asked for JSON by words")
        messages = [{"role": "user", "content": self._content(request)}]
        for turn in request.turns:
            messages.append({"role": "assistant", "content": self._plain(turn.answer or "(nothing)")})
            messages.append({"role": "user", "content": self._plain(turn.reply)})
        if not system:
            return self._rendered(messages)
        try:
            return self._rendered([{"role": "system", "content": self._plain(system)}, *messages])
        except BackendError as error:
            if "system" not in str(error).lower():  # some templates know no system prompt, and say so
                raise
        notes.append("system prompt put before the user's")
        first = _joined([{"type": "text", "text": self._plain(system)}, *_parts(messages[0]["content"])])
        return self._rendered([{"role": "user", "content": first}, *messages[1:]])

    def _content(self, request: Request) -> Any:
        parts = [
            {"type": "text", "text": self._plain(part.text)} if isinstance(part, Text) else {"type": "image"}
            for part in request.flat()
        ]
        return _joined(parts)

    def _plain(self, text: str) -> str:
        return without_marks(text, self._marks)

    def _rendered(self, messages: Sequence[Mapping[str, Any]]) -> str:
        try:
            words: str = self._tokenizer.apply_chat_template(
                list(messages),
                chat_template=self._template,
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,  # of Qwen3: thoughts would use up max_tokens
            )
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise BackendError(f"{WHO}: the chat template of {self._name} does not work: {error}") from error
        return words

    def _spread(self, ids: Sequence[int], counts: Sequence[int]) -> Iterator[int]:
        """Yield tokens with each picture's one repeated for as many as the picture has."""
        if list(ids).count(self._picture_id) != len(counts):
            raise CallError("rejected", f"{WHO}: the chat template of {self._name} leaves pictures out")
        waiting = iter(counts)
        for token in ids:
            yield from [token] * (next(waiting) if token == self._picture_id else 1)

    def generate(self, batch: Sequence[Ready], gone: Callable[[int], bool] = lambda row: False) -> list[Told]:
        """Return what the model writes to each request; where nobody waits for one any more, it ends."""
        pt = huggingface.torch(WHO)
        library = huggingface.transformers(WHO)
        inputs = _padded(batch, self._padding, self._picture_id, self._where)
        asked = inputs["input_ids"].shape[1]
        with pt.inference_mode():
            whole = self._net.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=max(one.request.max_tokens for one in batch),
                eos_token_id=list(self._ends),
                pad_token_id=self._padding,
                logits_processor=library.LogitsProcessorList([_Drawn([one.request for one in batch])]),
                stopping_criteria=library.StoppingCriteriaList([_Limits(batch, asked, gone)]),
            )
        rows = whole[:, asked:].tolist()
        return [self._told(row, one.request.max_tokens) for row, one in zip(rows, batch, strict=True)]

    @property
    def _padding(self) -> int:
        own = self._tokenizer.pad_token_id
        return int(self._ends[0] if own is None else own)

    def _told(self, row: Sequence[int], limit: int) -> Told:
        end = next((i for i, token in enumerate(row[:limit]) if token in self._ends), None)
        ids = tuple(row[:limit] if end is None else row[: end + 1])
        text, raw = (self._tokenizer.decode(ids, skip_special_tokens=skip) for skip in (True, False))
        return Told(ids, end is not None, text, raw)


def _kind(library: Any, folder: Path) -> tuple[Any, bool]:
    """Return the class that loads a checkpoint, and whether it takes pictures.

    Raises:
        BackendError: it is no language model.
    """
    found = huggingface.architecture(folder, WHO)
    if found in SEEING:
        return library.AutoModelForImageTextToText, True
    causal = library.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    if found not in causal:
        raise BackendError(
            f"{WHO} needs a checkpoint of {', '.join(SEEING)}, or of a causal language model; {folder} is of {found}"
        )
    return library.AutoModelForCausalLM, False


def _template(folder: Path, tokenizer: Any) -> str:
    """Return a checkpoint's chat template: the processor's, which shows pictures, else the tokenizer's.

    Raises:
        BackendError: there is none.
    """
    plain, listed = folder / "chat_template.jinja", folder / "chat_template.json"
    try:
        if plain.is_file():
            return plain.read_text(encoding="utf-8")
        if listed.is_file():
            return str(json.loads(listed.read_text(encoding="utf-8"))["chat_template"])
        return str(tokenizer.get_chat_template())
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BackendError(
            f"{WHO}: {folder} has no chat template, so it was not made to answer; take a checkpoint of the kind "
            '"Instruct" or "Chat"'
        ) from error


def _ends(net: Any, tokenizer: Any, folder: Path) -> tuple[int, ...]:
    """Return the tokens that end an answer.

    Raises:
        BackendError: there is none.
    """
    own = net.generation_config.eos_token_id
    given = own if isinstance(own, list) else [own]
    found = tuple(
        int(token) for token in dict.fromkeys([*given, tokenizer.eos_token_id]) if token is not None
    )
    if not found:
        raise BackendError(f"{WHO}: {folder} names no token that ends an answer (eos_token_id)")
    return found


def _marks(tokenizer: Any) -> tuple[str, ...]:
    """Return the special tokens as they are spelt, the longest first."""
    added = tokenizer.added_tokens_decoder.values()
    special = {str(token.content) for token in added if token.special} | set(tokenizer.all_special_tokens)
    return tuple(sorted((mark for mark in special if len(mark) > 1), key=lambda mark: (-len(mark), mark)))


def without_marks(text: str, marks: Sequence[str]) -> str:
    """Return a text in which no words of data pass for the model's marks (the end of a turn, a picture)."""
    for mark in marks:
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def _parts(content: Any) -> list[dict[str, str]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _joined(parts: Sequence[dict[str, str]]) -> Any:
    """Return parts with neighbouring texts in one; a string where there are no pictures: most templates want that."""
    joined: list[dict[str, str]] = []
    for part in parts:
        if joined and joined[-1]["type"] == part["type"] == "text":
            joined[-1] = {"type": "text", "text": f"{joined[-1]['text']}\n\n{part['text']}"}
        else:
            joined.append(part)
    return joined[0]["text"] if len(joined) == 1 and joined[0]["type"] == "text" else joined


def _decoded(image: Image) -> UInt8[np.ndarray, "H W 3"]:
    """Return an encoded picture as RGB; CallError where it is none."""
    found = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR) if image.data else None
    if found is None:
        raise CallError("rejected", f"{WHO}: a picture of the request is no {image.media_type}")
    return np.ascontiguousarray(found[..., ::-1])


# --- numbers ---


def _padded(
    batch: Sequence[Ready], padding: int, picture_id: int, where: huggingface.Place
) -> dict[str, Any]:
    """Return requests as one batch, filled up in front, so that all answers begin in the same column."""
    pt = huggingface.torch(WHO)
    longest = max(len(one.ids) for one in batch)
    ids = pt.tensor([[padding] * (longest - len(one.ids)) + list(one.ids) for one in batch])
    mask = pt.tensor([[0] * (longest - len(one.ids)) + [1] * len(one.ids) for one in batch])
    inputs = {"input_ids": ids.to(where.device), "attention_mask": mask.to(where.device)}
    seen = [one for one in batch if one.grid is not None]
    if seen:
        inputs["pixel_values"] = pt.cat([one.pixels for one in seen]).to(where.device, where.dtype)
        inputs["image_grid_thw"] = pt.cat([one.grid for one in seen]).to(where.device)
        inputs["mm_token_type_ids"] = ((ids == picture_id) & (mask == 1)).int().to(where.device)
    return inputs


_LEAST = np.float32(1e-30)
"""Of a draw that could be 0, and then beat every logit."""


class _Drawn:
    """Draws each row's token by its own seed.

    The largest of logits / temperature + Gumbel noise is a draw from their softmax (Gumbel 1954). Noise is made on the
    CPU: the same on every device.
    """

    supports_continuous_batching = False

    def __init__(self, requests: Sequence[Request]) -> None:
        self._temperatures = [request.temperature for request in requests]
        self._sources = [np.random.default_rng(request.seed % 2**63) for request in requests]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        pt = huggingface.torch(WHO)
        drawn = scores.float().clone()
        for row, (temperature, source) in enumerate(zip(self._temperatures, self._sources, strict=True)):
            if temperature > 0:
                waits = source.standard_exponential(drawn.shape[1], dtype=np.float32)
                noise = pt.from_numpy(-np.log(np.maximum(waits, _LEAST)))
                drawn[row] = drawn[row] / temperature + noise.to(drawn.device)
        return drawn


class _Limits:
    """Ends a row at its own limit, or where nobody waits for it any more."""

    def __init__(self, batch: Sequence[Ready], asked: int, gone: Callable[[int], bool]) -> None:
        self._limits, self._asked, self._gone = [one.request.max_tokens for one in batch], asked, gone

    def __call__(self, input_ids: Any, scores: Any, **more: Any) -> Any:
        pt = huggingface.torch(WHO)
        written = input_ids.shape[1] - self._asked
        over = [written >= limit or self._gone(row) for row, limit in enumerate(self._limits)]
        return pt.tensor(over, device=input_ids.device)
