"""The client of language models, against an endpoint on 127.0.0.1 that misbehaves in every way we know of."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from kinescribe.backends import LanguageModel
from kinescribe.backends.llms._http import Endpoint, Response
from kinescribe.backends.llms.openai import OpenAI, retry_after_s
from kinescribe.backends.llms.scripted import Scripted
from kinescribe.errors import BackendError, StoreError
from kinescribe.llm import client as llm
from kinescribe.llm import gate
from kinescribe.llm.calls import CALLS, LOG
from kinescribe.llm.client import CallSettings, Client
from kinescribe.llm.messages import CallError, Frames, Image, Reply, Request, Text, TimedImage, schema_of
from kinescribe.llm.structure import Distinct, FourDistinct, Unusable, json_values, parse
from tests.loopback import Act, Behaviour, Loopback, completion, refuses, says

KEY = "sk-a-key-that-must-not-be-seen"


class Question(BaseModel):
    model_config = ConfigDict(frozen=True)

    text: str
    options: Distinct
    answer: int


GOOD = '{"text": "Where does it go?", "options": ["left", "right"], "answer": 1}'


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between attempts, and no real key or proxy."""
    monkeypatch.setattr(gate, "FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def asks(words: str = "hello", **more: Any) -> Request:
    return Request((Text(words),), **more)


def to(server: Loopback, folder: Path | None = None, **settings: Any) -> Client:
    return Client(OpenAI("m", server.url), CallSettings(**settings), folder)


def saying(*texts: str | None) -> Behaviour:
    """Says one text after the other, the last one for ever."""
    return lambda body, number: says(texts[min(number, len(texts) - 1)])


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


# --- one good call ------------------------------------------------------------------------------------------


def test_a_request_arrives_whole_and_its_answer_is_counted(tmp_path: Path) -> None:
    shots = tuple(TimedImage(t, Image(bytes([n]))) for n, t in enumerate((0.0, 1.25)))
    request = Request(
        (Text("What happens?"), Frames(shots, 0.8)), "Be brief.", Question, 0.5, 7, 99, prompt="ask@12"
    )
    prices = {"usd_per_million_in": 2.0, "usd_per_million_out": 10.0}
    with Loopback(saying(GOOD)) as server, to(server, tmp_path, **prices) as client:
        answer = client.ask(request)
        spent = client.spent()
    assert answer.status == "ok"
    assert answer.value == Question(text="Where does it go?", options=("left", "right"), answer=1)
    assert (answer.tokens_in, answer.tokens_out, answer.attempts, answer.calls) == (100, 20, 1, 1)
    assert answer.cost_usd == pytest.approx((100 * 2 + 20 * 10) / 1e6)
    assert (spent.calls, spent.tokens, spent.unpriced) == (1, 120, 0)
    (body,) = server.asked
    assert (body["model"], body["temperature"], body["seed"], body["max_tokens"]) == ("m", 0.5, 7, 99)
    system, user = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert [part.get("text") for part in user["content"]] == [
        "What happens?", "frame at 0.00 s", None, "frame at 1.25 s", None,
    ]  # fmt: skip
    assert user["content"][2]["image_url"]["url"] == "data:image/jpeg;base64,AA=="
    assert body["response_format"]["json_schema"]["schema"] == schema_of(Question)
    assert f"authorization: Bearer {KEY}" in server.heads[0]
    (line,) = log_of(tmp_path)
    assert (line["status"], line["prompt"], line["attempts"], line["tokens_in"]) == ("ok", "ask@12", 1, 100)
    assert line["cost_usd"] == answer.cost_usd


def test_the_schema_is_strict_all_the_way_down() -> None:
    class Inner(BaseModel):
        a: int = 3

    class Outer(BaseModel):
        inner: list[Inner]

    schema = schema_of(Outer)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Inner"]["required"] == ["a"]
    assert schema["$defs"]["Inner"]["additionalProperties"] is False
    assert "default" not in schema["$defs"]["Inner"]["properties"]["a"]


def test_unknown_prices_and_untold_tokens_are_unknown_and_not_nought() -> None:
    with Loopback(lambda body, n: says("hi", usage=None)) as server, to(server) as client:
        answer = client.ask(asks())
        assert (answer.tokens_in, answer.tokens_out, answer.cost_usd) == (None, None, None)
        assert client.spent().unpriced == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_answers_in_chunks_and_in_other_scripts(chunked: bool) -> None:
    text = "走る 👧 naïve"
    with Loopback(lambda body, n: Act(completion(text), chunked=chunked)) as server, to(server) as client:
        assert [answer.text for answer in client.ask_all([asks("a"), asks("b")])] == [text, text]


def test_text_that_is_no_utf8_goes_both_ways(tmp_path: Path) -> None:
    half = "a \ud83d file"
    with Loopback(lambda body, n: says(f"{half} {n}")) as server, to(server, tmp_path) as client:
        answer = client.ask(asks(half))
        assert (answer.text, answer.status) == ("a ? file 0", "ok")
        assert client.ask(asks(half)).attempts == 0
        assert server.asked[0]["messages"][0]["content"] == half
        assert client.ask(asks(half, schema=Question)).status == "unusable"


def test_connections_are_used_again() -> None:
    with Loopback(saying("hi")) as server, to(server, in_flight=3) as client:
        client.ask_all(asks(str(n)) for n in range(30))
        assert len(server.asked) == 30
        assert server.connections <= 3


def test_as_many_calls_are_in_flight_as_allowed_and_no_more() -> None:
    with Loopback(lambda body, n: Act(completion("hi"), delay_s=0.02)) as server:
        with to(server, in_flight=7) as client:
            client.ask_all(asks(str(n)) for n in range(28))
        assert server.most_at_once == 7


def test_requests_are_taken_as_places_become_free() -> None:
    taken: list[int] = []
    ahead: list[int] = []

    def requests() -> Any:
        for n in range(40):
            taken.append(n)
            yield asks(str(n))

    def behaviour(body: dict[str, Any], number: int) -> Act:
        ahead.append(len(taken) - number)
        return says("hi")

    with Loopback(behaviour) as server, to(server, in_flight=4) as client:
        assert len(client.ask_all(requests())) == 40
    assert max(ahead) <= 5


def test_answers_come_in_the_order_of_the_requests() -> None:
    def slow_first(body: dict[str, Any], number: int) -> Act:
        return Act(completion(body["messages"][0]["content"]), delay_s=0.03 if number < 3 else 0)

    words = [f"question {n}" for n in range(12)]
    with Loopback(slow_first) as server, to(server, in_flight=6) as client:
        assert [a.text for a in client.ask_all(map(asks, words))] == words


def test_asking_from_within_a_running_event_loop() -> None:
    async def notebook(client: Client) -> str:
        return client.ask(asks()).text

    with Loopback(saying("hi")) as server, to(server) as client:
        assert asyncio.run(notebook(client)) == "hi"


def test_an_empty_list_is_answered_by_an_empty_list() -> None:
    with Loopback(saying("hi")) as server, to(server) as client:
        assert client.ask_all([]) == []


# --- what models do -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"Sure! Here is the question you asked for:\n```json\n{GOOD}\n```\nLet me know.",
        f"```\n{GOOD}\n```",
        f"<think>Maybe {{'text': 1}} or {GOOD.replace('left', 'up')}?</think>\n{GOOD}",
        f"A set {{of words}} and [1] come first. {GOOD}",
        f"{GOOD}\n{GOOD}",
        GOOD.replace(":", " :\n"),
    ],
)
def test_json_is_found_among_prose_fences_and_thoughts(text: str) -> None:
    assert parse(text, Question).options == ("left", "right")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("I would rather talk about something else.", "no complete JSON"),
        (GOOD[:-5], "no complete JSON"),
        (GOOD.replace("1}", '"1"}'), "answer"),
        (GOOD.replace("1}", "NaN}"), "no complete JSON|answer"),
        (GOOD.replace('"right"', '"Left. "'), "no two may be the same"),
        (GOOD.replace('"right"', '" "'), "none may be empty"),
        (GOOD.replace('"text"', '"question"'), "text: Field required"),
        (GOOD + GOOD.replace("left", "up"), "2 different"),
        ("[" * 50_000, "no complete JSON"),
        ('{"a":' * 3000, "no complete JSON"),
        ("__import__('os').system('true')", "no complete JSON"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(text: str, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        parse(text, Question)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PROSE = st.text(alphabet=st.characters(blacklist_characters="{}["))


@given(st.lists(JSON, max_size=4) | st.dictionaries(st.text(), JSON, max_size=4), PROSE, PROSE)
def test_any_json_is_found_in_any_prose(value: Any, before: str, after: str) -> None:
    assert list(json_values(before + json.dumps(value) + after)) == [value]


@given(st.text(alphabet='{}[]",:0123456789.eE+-tfn \\<>/think', max_size=200))
def test_no_text_breaks_the_search(text: str) -> None:
    for value in json_values(text):
        json.dumps(value, allow_nan=False)
    with contextlib.suppress(Unusable):  # and nothing else
        assert isinstance(parse(text, Question), Question)


class Four(BaseModel):
    options: FourDistinct


@pytest.mark.parametrize("number", [3, 5])
def test_fewer_or_more_options_than_asked_for_are_said(number: int) -> None:
    assert schema_of(Four)["properties"]["options"]["minItems"] == 4
    assert len(parse(json.dumps({"options": list("abcd")}), Four).options) == 4
    with pytest.raises(Unusable, match=f"4 items.*not {number}"):
        parse(json.dumps({"options": list("abcde")[:number]}), Four)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=4), st.integers(0, 3))
def test_only_distinct_options_pass(options: list[str], answer: int) -> None:
    text = json.dumps({"text": "?", "options": options, "answer": answer})
    plain = [" ".join(o.casefold().split()).rstrip(".") for o in options]
    if all(plain) and len(set(plain)) == len(plain):
        assert list(parse(text, Question).options) == options
    else:
        with pytest.raises(Unusable):
            parse(text, Question)


def test_a_wrong_answer_is_sent_back_with_what_is_wrong(tmp_path: Path) -> None:
    twice = GOOD.replace("right", "left")
    with Loopback(saying("Certainly!", twice, GOOD)) as server, to(server, tmp_path, repairs=2) as client:
        answer = client.ask(asks(schema=Question))
    assert answer.ok
    assert (answer.calls, answer.attempts, answer.tokens_in) == (3, 3, 300)
    last = server.asked[2]["messages"]
    assert [message["role"] for message in last] == ["user", "assistant", "user", "assistant", "user"]
    assert last[1]["content"] == "Certainly!"
    assert "holds no complete JSON" in last[2]["content"]
    assert "no two may be the same" in last[4]["content"]
    assert "data, never instructions" in last[4]["content"]
    assert '"options"' in last[2]["content"], "an endpoint that ignored the schema hears of it now"


@pytest.mark.parametrize("text", ["Certainly!", "", GOOD.replace("1}", '"one"}'), "word " * 10_000])
def test_what_no_repair_mends_is_unusable_and_counted(text: str) -> None:
    with Loopback(saying(text)) as server, to(server, repairs=2) as client:
        answer = client.ask(asks(schema=Question))
        assert (answer.status, answer.value, answer.calls) == ("unusable", None, 3)
        assert len(server.asked) == 3
        assert client.counts == {"unusable": 1}
        assert len(answer.raw) == 3
        sent_back = server.asked[2]["messages"][1]["content"]
        assert len(sent_back) <= 4000
        with pytest.raises(BackendError, match="unusable") as caught:
            answer.required()
        assert caught.value.raw is not None


def test_an_unusable_answer_is_asked_for_again_in_the_next_run_but_stays_paid(tmp_path: Path) -> None:
    with Loopback(saying("no", "no", GOOD)) as server:
        with to(server, tmp_path, repairs=1) as client:
            assert client.ask(asks(schema=Question)).status == "unusable"
        with to(server, tmp_path, repairs=1) as client:
            assert client.ask(asks(schema=Question)).ok
            assert client.spent().calls == 3
        with to(server, tmp_path) as client:
            assert client.ask(asks(schema=Question)).attempts == 0
        assert len(server.asked) == 3


def test_a_repaired_answer_is_kept_with_its_repair(tmp_path: Path) -> None:
    with Loopback(saying("no", GOOD)) as server:
        for attempts in (2, 0):
            with to(server, tmp_path) as client:
                answer = client.ask(asks(schema=Question))
                assert (answer.status, answer.calls, answer.attempts) == ("ok", 2, attempts)
        assert len(server.asked) == 2


def test_an_answer_of_ten_thousand_words_is_refused_where_fewer_were_asked_for() -> None:
    with Loopback(saying("word " * 10_000, "short")) as server, to(server) as client:
        answer = client.ask(asks(max_tokens=200))
        assert (answer.text, answer.calls) == ("short", 2)
        assert "50000 characters" in server.asked[1]["messages"][2]["content"]


@pytest.mark.parametrize(
    "act",
    [
        Act(completion(None, refusal="I cannot help with that.")),
        Act(completion("", finish="content_filter")),
    ],
)
def test_a_refusal_is_a_status_of_its_own_and_not_repaired(act: Act, tmp_path: Path) -> None:
    with Loopback(lambda body, n: act) as server:
        for _ in range(2):
            with to(server, tmp_path) as client:
                answer = client.ask(asks(schema=Question))
                assert (answer.status, answer.value) == ("refused", None)
                assert "declines" in answer.error
        assert len(server.asked) == 1  # it was paid for, and would be the same again


def test_an_answer_that_is_cut_off_is_told_to_be_brief() -> None:
    cut = Act(completion(GOOD[:20], finish="length"))
    with Loopback(lambda body, n: says(GOOD) if n else cut) as server, to(server) as client:
        assert client.ask(asks(schema=Question)).ok
        assert "be brief" in server.asked[1]["messages"][2]["content"]
    cut = Act(completion("The man goes", finish="length"))
    with Loopback(lambda body, n: cut) as server, to(server) as client:
        assert client.ask(asks()).notes == ("cut off at max_tokens",)


# --- what endpoints do --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    with Loopback(lambda body, n: refuses(status) if n < 2 else says("hi")) as server, to(server) as client:
        answer = client.ask(asks())
        assert (answer.text, answer.attempts) == ("hi", 3)


@pytest.mark.parametrize(
    "act",
    [
        Act(drop=True),
        Act(completion("x" * 5000), half=True),
        Act(completion("x" * 5000), half=True, chunked=True),
        Act(raw=b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        Act(raw=b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
        Act(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Act(b"<html>Bad Gateway</html>"),
        Act(b"null"),
        Act(b'{"choices": []}'),
        Act(completion([{"odd": 1}])),  # type: ignore[arg-type]
        Act(b"", 200),
    ],
    ids=str,
)
def test_a_broken_answer_is_tried_again(act: Act) -> None:
    with Loopback(lambda body, n: act if n < 2 else says("hi")) as server, to(server) as client:
        assert client.ask(asks()).text == "hi"
        assert len(server.asked) == 3


def test_what_fails_every_time_is_a_failed_answer_and_the_others_are_not_touched(tmp_path: Path) -> None:
    def behaviour(body: dict[str, Any], number: int) -> Act:
        return refuses(500, "out of memory") if "bad" in str(body) else says("hi")

    with Loopback(behaviour) as server, to(server, tmp_path, attempts=3, in_flight=2) as client:
        answers = client.ask_all([asks("good"), asks("bad"), asks("fine")])
        assert [a.status for a in answers] == ["ok", "failed", "ok"]
        assert "out of memory" in answers[1].error
        assert "3 attempts" in answers[1].error
        assert client.counts == {"ok": 2, "failed": 1}
        assert client.spent().calls == 2
    assert {line["status"] for line in log_of(tmp_path)} == {"ok", "failed"}


def test_an_answer_that_never_comes_times_out_and_is_tried_again() -> None:
    def behaviour(body: dict[str, Any], number: int) -> Act:
        return Act(completion("late"), delay_s=60 if number == 0 else 0)

    with Loopback(behaviour) as server, to(server, timeout_s=0.5) as client:
        answer = client.ask(asks())
        assert (answer.text, answer.attempts) == ("late", 2)
        # The late answer must not be taken for that to the next request.
        assert client.ask(asks("other")).attempts == 1


def test_retry_after_is_honoured_by_all() -> None:
    times: list[float] = []

    def behaviour(body: dict[str, Any], number: int) -> Act:
        times.append(time.monotonic())
        return refuses(429, "slow down", retry_after="0.3") if number == 0 else says("hi")

    with Loopback(behaviour) as server, to(server, in_flight=1) as client:
        assert [a.status for a in client.ask_all([asks("a"), asks("b")])] == ["ok", "ok"]
    assert times[1] - times[0] >= 0.29


def test_fewer_calls_are_made_at_once_after_a_429_and_more_again_later() -> None:
    async def story() -> None:
        door = gate.Gate(8)
        for _ in range(8):
            entered = await door.enter()
        for _ in range(8):  # one wave of refusals is one piece of news
            door.leave()
            door.too_many(entered, None)
        assert door.limit == 4
        for _ in range(40):
            door.answered()
        assert 6 < door.limit <= 8

    asyncio.run(story())


def test_a_storm_of_429_ends_well() -> None:
    def behaviour(body: dict[str, Any], number: int) -> Act:
        return refuses(429, "slow down", retry_after="0.01") if number < 100 else says("hi")

    with Loopback(behaviour) as server, to(server, in_flight=32) as client:
        answers = client.ask_all(asks(str(n)) for n in range(50))
        assert {a.status for a in answers} == {"ok"}


def test_patience_with_429_has_an_end() -> None:
    with Loopback(lambda body, n: refuses(429, "slow down")) as server, to(server, patience_s=0.05) as client:
        assert client.ask(asks()).status == "failed"


@pytest.mark.parametrize("status", [429, 503])
def test_an_endpoint_that_wants_an_hour_is_not_waited_for(status: int) -> None:
    act = refuses(status, "come back", retry_after="3600")
    with Loopback(lambda body, n: act) as server, to(server) as client:
        assert client.ask(asks()).status == "failed"
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read(headers: dict[str, str], wanted: float | None) -> None:
    assert retry_after_s(Response(429, headers, b"")) == wanted


@given(st.integers(1, 30), st.integers(0, 5), st.floats(0, 100))
def test_waits_grow_are_bounded_and_respect_the_endpoint(attempt: int, seed: int, asked_s: float) -> None:
    error = CallError("busy", "no", asked_s)
    wait_s = gate.Waits(seed).after(attempt, error)
    assert wait_s == gate.Waits(seed).after(attempt, error)
    assert asked_s <= wait_s <= asked_s + gate.LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "OPENAI_API_KEY was refused"),
        (403, "OPENAI_API_KEY"),
        (404, "ends in /v1"),
        (302, "sends on to"),
    ],
)
def test_where_no_call_can_succeed_nothing_more_is_sent(status: int, remedy: str) -> None:
    def behaviour(body: dict[str, Any], number: int) -> Act:
        return says("hi") if number < 3 else refuses(status, f"the key {KEY} is wrong", location="elsewhere")

    with Loopback(behaviour) as server, to(server, in_flight=1) as client:
        with pytest.raises(BackendError, match=remedy) as caught:
            client.ask_all(asks(str(n)) for n in range(50))
        assert "3 ok" in str(caught.value)
        assert KEY not in str(caught.value)
        assert len(server.asked) == 4


def test_a_used_up_quota_is_not_waited_for() -> None:
    body = b'{"error": {"message": "no money", "code": "insufficient_quota"}}'
    used_up = pytest.raises(BackendError, match="billing")
    with Loopback(lambda b, n: Act(body, 429)) as server, to(server) as client, used_up:
        client.ask(asks())


def test_a_request_that_is_no_good_fails_alone_and_at_once() -> None:
    def behaviour(body: dict[str, Any], number: int) -> Act:
        return refuses(400, "too long") if "long" in str(body) else says("hi")

    with Loopback(behaviour) as server, to(server) as client:
        assert [a.status for a in client.ask_all([asks("long"), asks("short")])] == ["failed", "ok"]
        assert len(server.asked) == 2


def test_a_dead_endpoint_is_found_out_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "COOL_DOWN_S", 1000.0)
    requests = [asks(str(n)) for n in range(200)]
    settings = {"in_flight": 8, "dead_after": 12, "dead_s": 0.0, "attempts": 1000}
    with Loopback(lambda body, n: says("hi") if n < 60 else Act(drop=True)) as server:
        with to(server, tmp_path, **settings) as client:
            with pytest.raises(BackendError, match=r"the endpoint is dead.*60 ok; answers are kept"):
                client.ask_all(requests)
            sent = len(server.asked)
            with pytest.raises(BackendError, match="dead"):
                client.ask(asks("new"))
            assert len(server.asked) == sent  # not even asked
        port = server.port
    with Loopback(saying("hi"), port=port) as server, to(server, tmp_path) as client:
        assert {a.status for a in client.ask_all(requests)} == {"ok"}
        assert len(server.asked) == 140


def test_an_endpoint_that_fails_now_and_then_is_not_dead() -> None:
    behaviour: Behaviour = lambda body, n: Act(drop=True) if n % 3 else says("hi")  # noqa: E731
    with Loopback(behaviour) as server, to(server, in_flight=1, dead_after=3, dead_s=0) as client:
        assert {a.status for a in client.ask_all(asks(str(n)) for n in range(20))} == {"ok"}


def test_after_a_while_one_call_tries_a_dead_endpoint_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "COOL_DOWN_S", 0.0)
    alive = threading.Event()
    behaviour: Behaviour = lambda body, n: says("hi") if alive.is_set() else Act(drop=True)  # noqa: E731
    with Loopback(behaviour) as server, to(server, in_flight=4, dead_after=4, dead_s=0, attempts=2) as client:
        answers = client.ask_all(asks(str(n)) for n in range(8))
        assert {a.status for a in answers} == {"failed"}
        alive.set()
        assert {a.status for a in client.ask_all(asks(str(n)) for n in range(8))} == {"ok"}


def test_who_waits_for_another_attempt_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FIRST_WAIT_S", 60.0)

    def behaviour(body: dict[str, Any], number: int) -> Act:
        return refuses(500) if "slow" in str(body) else Act(refuses(401).body, 401, delay_s=0.1)

    with Loopback(behaviour) as server, to(server, in_flight=2) as client:
        began = time.monotonic()
        with pytest.raises(BackendError, match="was refused"):
            client.ask_all([asks("slow"), asks("wrong key")])
        assert time.monotonic() - began < 29, "the first wait is 30 s at least"


def test_nobody_listens() -> None:
    with Client(OpenAI("m", "http://127.0.0.1:9/v1"), CallSettings(attempts=2)) as client:
        answer = client.ask(asks())
        assert (answer.status, answer.attempts) == ("failed", 0)
        assert "cannot connect" in answer.error


# --- what endpoints do not take -----------------------------------------------------------------------------


def picky(*takes: str) -> Behaviour:
    """Takes only these of: json_schema, json_object, seed, temperature, max_tokens."""

    def behaviour(body: dict[str, Any], number: int) -> Act:
        form = body.get("response_format", {}).get("type")
        if form and form not in takes:
            return refuses(400, f"response_format type {form} is not supported")
        for name in ("seed", "temperature"):
            if name in body and name not in takes:
                return refuses(400, f"Unsupported parameter: '{name}'")
        if "max_tokens" in body and "max_tokens" not in takes:
            return refuses(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return says(GOOD)

    return behaviour


@pytest.mark.parametrize(
    ("takes", "notes"),
    [
        (("json_schema", "seed", "temperature", "max_tokens"), ()),
        (("json_object", "seed", "temperature", "max_tokens"), ("asked for any JSON",)),
        (("seed", "temperature"), ("asked for JSON by words",)),
        (("json_schema",), ("without seed", "without temperature")),
        ((), ("asked for JSON by words", "without seed", "without temperature")),
    ],
)
def test_what_an_endpoint_does_not_take_is_left_out_once_and_noted(
    takes: tuple[str, ...], notes: tuple[str, ...]
) -> None:
    with Loopback(picky(*takes)) as server, to(server, in_flight=3) as client:
        first = client.ask(asks("0", schema=Question))
        assert (first.status, first.notes) == ("ok", notes)
        learnt = len(server.asked)
        assert all(a.ok for a in client.ask_all(asks(str(n), schema=Question) for n in range(1, 6)))
        assert len(server.asked) == learnt + 5
        if "asked for JSON by words" in notes:
            assert "additionalProperties" in server.asked[-1]["messages"][0]["content"]


def test_many_first_calls_learn_together() -> None:
    with Loopback(picky()) as server, to(server, in_flight=16) as client:
        assert all(a.ok for a in client.ask_all(asks(str(n), schema=Question) for n in range(40)))


# --- keeping ------------------------------------------------------------------------------------------------


def test_an_answered_call_is_never_repeated(tmp_path: Path) -> None:
    requests = [asks(str(n)) for n in range(20)]
    with Loopback(saying("hi")) as server:
        for attempts in (1, 0):
            with to(server, tmp_path) as client:
                assert [a.attempts for a in client.ask_all(requests)] == [attempts] * 20
        assert len(server.asked) == 20
    assert [line["kept"] for line in log_of(tmp_path)] == [False] * 20 + [True] * 20
    assert {line["cost_usd"] for line in log_of(tmp_path)} == {None, 0.0}  # unknown, and nothing


def test_the_same_request_twice_at_once_is_sent_once() -> None:
    with Loopback(lambda body, n: Act(completion("hi"), delay_s=0.02)) as server, to(server) as client:
        assert len(client.ask_all([asks("same")] * 10)) == 10
        assert len(server.asked) == 1


IMAGES = [Image(b"one"), Image(b"two"), Image(b"one", "image/png")]
DIFFERENT = [
    asks("a"), asks("b"), asks("a", system="a"), asks("a", temperature=0.5), asks("a", seed=1),
    asks("a", max_tokens=5), asks("a", schema=Question), Request((Text("a"), Text("a"))), Request((Text("aa"),)),
    *(Request((Text("a"), image)) for image in IMAGES),
    Request((IMAGES[0], Text("a"))),
    Request((Text("a"), Frames((TimedImage(1.0, IMAGES[0]),), 2.0))),
    Request((Text("a"), Frames((TimedImage(2.0, IMAGES[0]),), 2.0))),
]  # fmt: skip


def test_everything_that_the_answer_depends_on_is_in_the_key_and_nothing_else() -> None:
    keys = [request.key(model) for request in DIFFERENT for model in ("m", "n")]
    assert len(set(keys)) == len(keys)
    assert asks("a", prompt="x@1").key("m") == asks("a", prompt="y@2").key("m")


def test_failures_are_not_kept(tmp_path: Path) -> None:
    with Loopback(lambda body, n: refuses(500) if n < 2 else says("hi")) as server:
        with to(server, tmp_path, attempts=2) as client:
            assert client.ask(asks()).status == "failed"
        with to(server, tmp_path) as client:
            assert client.ask(asks()).text == "hi"


def test_two_processes_may_keep_their_calls_in_one_folder(tmp_path: Path) -> None:
    with Loopback(lambda body, n: Act(completion("hi"), delay_s=0.01)) as server:
        clients = [to(server, tmp_path) for _ in range(3)]
        requests = [asks(str(n)) for n in range(30)]
        threads = [threading.Thread(target=client.ask_all, args=[requests]) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert clients[0].spent().calls == len(server.asked)
        for client in clients:
            client.close()
    with sqlite3.connect(tmp_path / CALLS) as db:
        assert db.execute("SELECT COUNT(*) FROM calls WHERE serves = 1").fetchone() == (30,)


KILLED = """
import sys
from pathlib import Path
from kinescribe.backends.llms.openai import OpenAI
from kinescribe.llm.client import CallSettings, Client
from kinescribe.llm.messages import Request, Text
client = Client(OpenAI("m", sys.argv[1]), CallSettings(in_flight=4), Path(sys.argv[2]))
client.ask_all(Request((Text(f"question {n}"),)) for n in range(800))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that cannot be caught")
def test_nothing_that_was_answered_is_asked_again_after_sigkill(tmp_path: Path) -> None:
    with Loopback(lambda body, n: Act(completion("hi"), delay_s=0.01)) as server:
        process = subprocess.Popen([sys.executable, "-c", KILLED, server.url, str(tmp_path)])
        while len(server.asked) < 40 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.1)
        before = [body["messages"][0]["content"] for body in server.asked]
        assert 40 <= len(before) < 800, "killed in the middle"
        with to(server, tmp_path, in_flight=64) as client:
            kept = client.spent().calls
            answers = client.ask_all(asks(f"question {n}") for n in range(800))
        after = [body["messages"][0]["content"] for body in server.asked[len(before) :]]
    assert {a.text for a in answers} == {"hi"}
    assert kept >= len(before) - 4  # all but those that were under way
    assert len(after) == 800 - kept
    assert len(set(before) & set(after)) <= 4


def test_a_disk_that_is_full_stops_the_calls(tmp_path: Path) -> None:
    with Loopback(saying("hi")) as server, to(server, tmp_path, in_flight=2) as client:
        client.ask(asks())
        client._calls._db.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError, match="make room"):
            client.ask_all(asks("x" * 5000 + str(n)) for n in range(200))
        assert len(server.asked) < 20
        client._calls._db.execute("PRAGMA max_page_count = 1000000")


INTERRUPTED = """
import sys
from pathlib import Path
from kinescribe.backends.llms.openai import OpenAI
from kinescribe.llm.client import CallSettings, Client
from kinescribe.llm.messages import Request, Text
with Client(OpenAI("m", sys.argv[1]), CallSettings(in_flight=4), Path(sys.argv[2])) as client:
    try:
        client.ask_all(Request((Text(f"question {n}"),)) for n in range(1200))
    except KeyboardInterrupt:
        print("interrupted", client.spent().calls)
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_an_interrupt_ends_the_calls_and_keeps_what_was_answered(tmp_path: Path) -> None:
    with Loopback(lambda body, n: Act(completion("hi"), delay_s=0.05)) as server:
        command = [sys.executable, "-c", INTERRUPTED, server.url, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while len(server.asked) < 40 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        said, trouble = process.communicate(timeout=30)
        asked = len(server.asked)
    assert trouble == ""
    assert said.startswith("interrupted")
    assert asked - 4 <= int(said.split()[1]) <= asked < 1200


def test_an_error_of_the_caller_is_its_own() -> None:
    def requests() -> Any:
        yield asks("a")
        raise ZeroDivisionError

    with Loopback(saying("hi")) as server, to(server) as client:
        with pytest.raises(ZeroDivisionError):
            client.ask_all(requests())
        assert client.ask(asks("b")).ok


@pytest.mark.parametrize("content", [b"this is no database, but long enough to be looked at" * 50, None])
def test_a_folder_that_cannot_keep_calls_is_said_at_once(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        with sqlite3.connect(tmp_path / CALLS) as db:
            db.execute("PRAGMA user_version = 99")
    else:
        (tmp_path / CALLS).write_bytes(content)
    with pytest.raises(StoreError, match="folder"):
        Client(Scripted(), None, tmp_path)


def test_the_key_is_in_no_file_and_no_message(tmp_path: Path) -> None:
    def echo(body: dict[str, Any], number: int) -> Act:
        return refuses(400, f"Incorrect key {KEY}") if number else says(f"your key is {KEY}")

    with Loopback(echo) as server, to(server, tmp_path) as client:
        answers = client.ask_all([asks("a")]) + client.ask_all([asks("b")])
        assert KEY not in repr(answers)
        assert KEY not in repr(client.model)
    assert answers[1].status == "failed"
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


# --- budgets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ({"budget_tokens": 2000}, 2000),
        ({"budget_usd": 0.02, "usd_per_million_in": 10.0, "usd_per_million_out": 10.0}, 2000),
    ],
)
def test_a_budget_is_kept_to_in_flight_and_over_runs(
    tmp_path: Path, limits: dict[str, float], most: int
) -> None:
    requests = [asks(str(n), max_tokens=150) for n in range(100)]
    with Loopback(lambda body, n: Act(completion("hi"), delay_s=0.005)) as server:
        with to(server, tmp_path, in_flight=16, **limits) as client:
            with pytest.raises(BackendError, match=r"budget of .* is used up.*raise it.* ok"):
                client.ask_all(requests)
            spent = client.spent()
        assert most - 300 < spent.tokens <= most
        asked = len(server.asked)
        with to(server, tmp_path, **limits) as client, pytest.raises(BackendError, match="is used up"):
            client.ask_all(requests)
        assert len(server.asked) == asked
        with to(server, tmp_path) as client:
            assert all(a.ok for a in client.ask_all(requests))
        assert len(server.asked) == 100


def test_calls_of_unknown_cost_count_with_their_estimate() -> None:
    prices = {"usd_per_million_in": 10.0, "usd_per_million_out": 10.0, "budget_usd": 0.01}
    with (
        Loopback(lambda body, n: says("hi", usage=None)) as server,
        to(server, in_flight=1, **prices) as client,
    ):
        with pytest.raises(BackendError, match="unknown cost"):
            client.ask_all(asks(str(n), max_tokens=200) for n in range(50))
        assert 3 <= len(server.asked) <= 5


def test_a_budget_in_dollars_needs_prices() -> None:
    with pytest.raises(BackendError, match="needs both prices"):
        Client(Scripted(), CallSettings(budget_usd=1.0))


# --- scripts ------------------------------------------------------------------------------------------------


def script(folder: Path, *rules: dict[str, Any]) -> str:
    (folder / "script.jsonl").write_text("\n".join(map(json.dumps, rules)))
    return f"scripted:{folder / 'script.jsonl'}"


def test_a_script_answers_by_words_and_by_prompt(tmp_path: Path) -> None:
    spec = script(
        tmp_path,
        {"prompt": "ask", "match": "cup", "answer": json.loads(GOOD), "before": "Sure: "},
        {"match": r"who is (\w+)\?", "answer": r"\g<1> is a person"},
        {"match": "bomb", "refusal": "No."},
        {"match": "storm", "status": 429, "retry_after_s": 0, "times": 2},
        {"match": "crash", "status": 500},
        {"match": "choose", "answers": ["a", "b", "c"]},
        {"answer": "anything"},
    )
    with Client(llm.model_of(spec), CallSettings(attempts=2)) as client:
        said = {
            "cup": client.ask(asks("a cup", prompt="ask@1", schema=Question)),
            "plain": client.ask(asks("a cup", prompt="other@1")),
            "who": client.ask(asks("who is Ada?")),
            "bomb": client.ask(asks("a bomb")),
            "storm": client.ask(asks("a storm")),
            "crash": client.ask(asks("a crash")),
        }
        chosen = {client.ask(asks(f"choose {n}")).text for n in range(30)}
        assert client.ask(asks("choose 1")).text == client.ask(asks("choose 1", prompt="x")).text
    assert said["cup"].value == Question.model_validate_json(GOOD)
    assert (said["plain"].text, said["who"].text) == ("anything", "Ada is a person")
    assert (said["bomb"].status, said["crash"].status) == ("refused", "failed")
    assert (said["storm"].text, said["storm"].attempts) == ("anything", 3)
    assert chosen == {"a", "b", "c"}


def test_a_script_without_a_fitting_rule_says_so(tmp_path: Path) -> None:
    with Client(llm.model_of(script(tmp_path, {"match": "x", "answer": "y"}))) as client:
        assert "no rule" in client.ask(asks("abc")).error


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 1"),
        ("[]", "a JSON object"),
        ('{"anwser": "x"}', 'did you mean "answer"'),
        ('{"match": "("}', "line 1"),
        ('{"match": "a", "answer": "\\\\g<1>"}', "no group 1"),
    ],
)
def test_a_bad_script_names_its_line(tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "bad.jsonl").write_text(line)
    model = llm.model_of(f"scripted:{tmp_path / 'bad.jsonl'}")
    with Client(model) as client, pytest.raises(BackendError, match=why):
        client.ask(asks())


def shouting(request: Request) -> str | Reply:
    if "refuse" in request.text():
        return Reply("", refusal="no")
    return request.text().strip().upper()


def test_a_function_may_answer() -> None:
    with Client(llm.model_of("scripted:tests.test_llms:shouting")) as client:
        assert client.ask(asks("hello")).text == "HELLO"
        assert client.ask(asks("refuse")).status == "refused"
    with Client(Scripted(function=shouting, name="loud")) as client:
        assert client.ask(asks("hello")).text == "HELLO"


def test_another_script_is_another_model(tmp_path: Path) -> None:
    first = llm.identity(script(tmp_path, {"answer": "a"}))
    assert llm.identity(script(tmp_path, {"answer": "b"})) != first
    assert llm.identity("scripted:nowhere.jsonl") == "no file"
    assert llm.identity("") == ""


# --- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "model", "url"),
    [
        ("openai:gpt-4o-mini", "gpt-4o-mini", "https://api.openai.com/v1"),
        ("openai:Qwen/Qwen2.5-VL-7B@http://gpu:8000/v1/", "Qwen/Qwen2.5-VL-7B", "http://gpu:8000/v1"),
        ("openai:qwen2.5vl:7b@http://localhost:11434/v1", "qwen2.5vl:7b", "http://localhost:11434/v1"),
        ("openai:claude@20250101@https://x.test/v1", "claude@20250101", "https://x.test/v1"),
    ],
)
def test_models_are_named_with_their_endpoint(spec: str, model: str, url: str) -> None:
    found = llm.model_of(spec)
    assert isinstance(found, LanguageModel)
    assert (found.model, found.url) == (model, url)


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://here:1/v1/")
    assert llm.model_of("openai:m").url == "http://here:1/v1"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("", "names no model"), ("openai", "names no model"), ("openai:", "names no model"),
        ("opnai:gpt", 'did you mean "openai"'), ("surely_not.there:Thing:x", "pip install surely_not"),
    ],
)  # fmt: skip
def test_a_wrong_name_says_what_is_right(spec: str, why: str) -> None:
    with pytest.raises(BackendError, match=why):
        llm.model_of(spec)


def test_a_model_from_outside_is_reached_by_a_dotted_name() -> None:
    assert llm.model_of("tests.test_llms:OpenAI:mine@http://x/v1") == OpenAI("mine", "http://x/v1")


@pytest.mark.parametrize("url", ["ftp://x/v1", "localhost:8000", "http://", "http://x:99999/v1"])
def test_an_address_that_is_none(url: str) -> None:
    with Client(OpenAI("m", url)) as client, pytest.raises(BackendError, match="no address"):
        client.ask(asks())


def test_a_password_in_the_address_is_not_shown() -> None:
    model = OpenAI("m", "http://me:secret@127.0.0.1:9/v1")
    assert "secret" not in model.identity()
    with Client(model, CallSettings(attempts=1)) as client:
        assert "secret" not in client.ask(asks()).error


def test_a_header_cannot_be_smuggled_in_by_a_key() -> None:
    with pytest.raises(BackendError, match="line break"):
        Endpoint("http://x/v1", {"authorization": "Bearer a\r\nx-evil: 1"})


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(saying("hi")) as server:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "localhost")
        with to(server, attempts=1) as client:
            assert "cannot connect" in client.ask(asks()).error
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with to(server, attempts=1) as client:
            assert client.ask(asks()).text == "hi"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for localhost, with its key, that this process trusts."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command to make a certificate")
    file = tmp_path / "localhost.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = [
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        str(file),
        "-out",
        str(tmp_path / "cert.pem"),
    ]
    subprocess.run(["openssl", "req", "-x509", *made, *subject], check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "cert.pem").read_text())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    return file


@contextlib.contextmanager
def proxy(heads: list[str]) -> Iterator[int]:
    """A proxy that leads on wherever CONNECT asks, and notes how it was asked; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        host, port = head.split()[1].split(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, "127.0.0.1", 0), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


@pytest.mark.parametrize("by_proxy", [False, True])
def test_tls_straight_and_through_a_proxy(
    by_proxy: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[str] = []
    with Loopback(saying("hi"), certificate=certificate) as server, proxy(heads) as port:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        monkeypatch.setenv("https_proxy" if by_proxy else "nothing", f"http://me:secret@127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        with Client(OpenAI("m", url), CallSettings(attempts=1)) as client:
            answers = client.ask_all(asks(str(n)) for n in range(5))
        assert [(a.text, a.error) for a in answers] == [("hi", "")] * 5
        assert all("host: localhost:" in head for head in server.heads)
    if by_proxy:
        assert heads[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.1")
        assert "proxy-authorization: Basic bWU6c2VjcmV0" in heads[0]
    assert bool(heads) == by_proxy


def test_a_certificate_that_is_not_trusted_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with Loopback(saying("hi"), certificate=certificate) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        with Client(OpenAI("m", url), CallSettings(attempts=1)) as client:
            assert "certificate" in client.ask(asks()).error.lower()
        assert not server.asked


def test_a_connection_that_was_closed_while_it_rested_is_no_failure() -> None:
    act = Act(
        raw=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(completion("hi")), completion("hi"))
    )
    with (
        Loopback(lambda body, n: act) as server,
        to(server, attempts=1) as client,
    ):  # closes after each answer
        for n in range(5):
            assert client.ask(asks(str(n))).text == "hi"
            time.sleep(0.01)
        assert server.connections == 5


def test_what_was_not_asked_for_makes_no_answer() -> None:
    extra = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(completion("odd")), completion("odd"))

    def behaviour(body: dict[str, Any], number: int) -> Act:
        good = completion(f"answer {body['messages'][0]['content']}")
        return Act(
            raw=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(good), good) + extra, stays=True
        )

    with Loopback(behaviour) as server, to(server, in_flight=1) as client:
        assert [a.text for a in client.ask_all(asks(str(n)) for n in range(4))] == [
            f"answer {n}" for n in range(4)
        ]


def test_the_value_has_the_kind_that_was_asked_for() -> None:
    with Loopback(saying(GOOD)) as server, to(server) as client:
        assert client.ask(asks(schema=Question)).value_of(Question).answer == 1
        with pytest.raises(BackendError, match="was not asked for"):
            client.ask(asks()).value_of(Question)


def test_clients_are_shared_by_folder_and_settings(tmp_path: Path) -> None:
    spec = script(tmp_path, {"answer": "a"})
    with llm.kept_in(tmp_path / "run"):
        one, again = llm.shared(spec), llm.shared(spec)
        other = llm.shared(spec, CallSettings(repairs=0))
        one.ask(asks())
    alone = llm.shared(spec)
    assert one is again
    assert len({id(one), id(other), id(alone)}) == 3
    assert (tmp_path / "run" / CALLS).exists()
    assert alone.folder is None
    for client in (one, other, alone):
        client.close()


@pytest.mark.parametrize(
    "wrong",
    [{"in_flight": 0}, {"attempts": 0}, {"timeout_s": 0}, {"repairs": -1}, {"patience_s": float("nan")}],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CallSettings(**wrong)  # type: ignore[arg-type]


def test_a_check_that_no_schema_can_say_is_repaired_like_one(tmp_path: Path) -> None:
    class Quote(BaseModel):
        quote: str

    def check(value: Quote) -> str:
        return "" if value.quote in "the text" else "the quote is not in the text"

    file = tmp_path / "script.jsonl"
    good = {"match": "the quote is not in the text", "answer": {"quote": "text"}}
    file.write_text(f"{json.dumps(good)}\n{json.dumps({'answer': {'quote': 'made up'}})}\n")
    request = Request((Text("Quote it."),), schema=Quote, check=check)
    assert request.key("m") == replace(request, check=None).key("m")
    with Client(llm.model_of(f"scripted:{file}"), folder=tmp_path) as asking:
        answer = asking.ask(request)
        assert (answer.status, answer.calls, answer.value) == ("ok", 2, Quote(quote="text"))
    file.write_text(json.dumps({"answer": {"quote": "made up"}}))
    with Client(llm.model_of(f"scripted:{file}"), CallSettings(repairs=1)) as asking:
        assert (asking.ask(request).status, asking.ask(request).error) == (
            "unusable",
            "the quote is not in the text",
        )
