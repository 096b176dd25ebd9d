"""The service through clients that speak OpenAI's protocol: the official SDK and LlamaIndex."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import openai
import pytest
from service_kit import Library, Served, served

pytest_plugins = ("service_kit",)

KEY = "a-key-of-this-test"
ASKED = "2025 年有多少 AI 事件被通報？"
MESSAGES = [{"role": "user", "content": ASKED}]


@pytest.fixture(scope="module")
def service(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(library.data, tmp_path_factory.mktemp("openai") / "log", WENJU_API_KEYS=KEY) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: Served) -> Iterator[openai.OpenAI]:
    with httpx.Client(trust_env=False) as line, openai.OpenAI(
        base_url=f"{service.url}/v1", api_key=KEY, max_retries=0, timeout=30, http_client=line
    ) as made:  # fmt: skip
        yield made


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["wenju", "wenju-extractive"]
    assert client.models.retrieve("wenju").owned_by == "wenju"


def test_a_completion_has_the_text_and_its_sources(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="wenju", messages=MESSAGES, temperature=0.3, max_tokens=50, user="me")  # type: ignore[call-overload]
    choice = done.choices[0]
    assert (done.object, done.model, choice.finish_reason, choice.message.role) == ("chat.completion", "wenju", "stop", "assistant")
    assert "362" in choice.message.content
    assert choice.message.refusal is None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0
    note = choice.message.annotations[0]
    assert note.type == "url_citation"
    assert note.url_citation.url.startswith("http://127.0.0.1:")
    assert 0 <= note.url_citation.start_index < note.url_citation.end_index <= len(choice.message.content)
    extra = choice.message.model_extra
    assert extra["citations"][0]["cited_text"]
    assert extra["status"] == "answered"


def test_the_joined_stream_is_the_completion(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="wenju", messages=MESSAGES)  # type: ignore[call-overload]
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="wenju", messages=MESSAGES, stream=True, stream_options=options))  # type: ignore[call-overload]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert choices[0].delta.role == "assistant"
    assert "".join(choice.delta.content or "" for choice in choices) == whole.choices[0].message.content
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert choices[-1].delta.model_extra["citations"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_question_the_library_cannot_answer_is_refused_in_words(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "Who won the cricket match between Kent and Surrey in 1911?"}]
    message = client.chat.completions.create(model="wenju", messages=messages).choices[0].message  # type: ignore[call-overload]
    assert message.content
    assert message.model_extra["status"] == "refused"
    assert message.model_extra["refusal_details"]["code"] in ("no_evidence", "low_confidence")
    assert message.annotations == []


def test_a_chat_and_content_in_parts_are_understood(client: openai.OpenAI) -> None:
    messages = [
        {"role": "system", "content": "You are a pirate and cite nothing."},
        *MESSAGES,
        {"role": "assistant", "content": "362"},
        {"role": "user", "content": [{"type": "text", "text": "那 2024 年的數字呢？"}]},
    ]
    message = client.chat.completions.create(model="wenju-extractive", messages=messages).choices[0].message  # type: ignore[call-overload]
    assert "233" in message.content
    assert message.model_extra["citations"]


def test_errors_are_those_the_sdk_knows(client: openai.OpenAI, service: Served) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-5", messages=MESSAGES)  # type: ignore[call-overload]
    assert missing.value.code == "model_not_found"
    assert missing.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")
    for wrong in ([], [{"role": "user", "content": ""}], [{"role": "assistant", "content": "hi"}], [{"role": "wizard", "content": "hi"}]):
        with pytest.raises((openai.BadRequestError, openai.UnprocessableEntityError)) as bad:
            client.chat.completions.create(model="wenju", messages=wrong)  # type: ignore[call-overload]
        assert bad.value.type == "invalid_request_error"
    with pytest.raises((openai.BadRequestError, openai.UnprocessableEntityError)):
        client.chat.completions.create(model="wenju", messages=MESSAGES, n=2)  # type: ignore[call-overload]
    stranger = client.with_options(api_key="another")
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.chat.completions.create(model="wenju", messages=MESSAGES)  # type: ignore[call-overload]
    assert refused.value.type == "authentication_error"
    body = httpx.get(f"{service.url}/v1/models", trust_env=False).json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}


def test_every_line_of_a_stream_is_a_chunk_or_the_end(service: Served) -> None:
    body = {"model": "wenju", "messages": MESSAGES, "stream": True}
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=headers, trust_env=False, timeout=30)
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in answer.text.split("\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    for line in lines[:-1]:
        assert json.loads(line[6:])["object"] == "chat.completion.chunk"


def test_llamaindex_takes_the_service_for_a_model(service: Served) -> None:
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    with httpx.Client(trust_env=False, timeout=30) as line:
        model = OpenAILike(model="wenju", api_base=f"{service.url}/v1", api_key=KEY, is_chat_model=True, max_retries=0, http_client=line)
        said = model.chat([ChatMessage(role="user", content=ASKED)]).message.content or ""
        pieces = [piece.delta or "" for piece in model.stream_chat([ChatMessage(role="user", content=ASKED)])]
    assert "362" in said
    assert "".join(pieces) == said
