"""``POST /v1/ask``, ``/v1/search``, ``/v1/feedback`` and ``GET /v1/suggestions`` as the contract writes them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from service_kit import QUESTION, UNANSWERABLE, Client, Library, events_of, serving

from service import routes_ask
from service.events import Event

pytest_plugins = ("service_kit",)

_ANSWER_KEYS = {
    "id", "object", "created", "model", "llm_generated", "status", "refusal", "question", "standalone_question", "language", "answer",
    "segments", "highlights", "citations", "retrieval", "timings_ms", "verification", "notes", "confidence",
}  # fmt: skip
_CITATION_KEYS = {
    "id", "index", "type", "document_id", "document_title", "file_name", "document_sha256", "passage_id", "cited_text", "language", "page",
    "page_end", "page_label", "heading", "start_char_index", "end_char_index", "rects", "url", "page_image_url", "verification", "score",
}  # fmt: skip
_TRACTOR = "How many kilograms did the tractor in Norfolk pull in 2024?"
_HANT = "Gemini 2.5 Pro 的創始同期群在第五個月還剩多少？"


async def test_an_answer_has_every_member_of_the_contract(client: Client) -> None:
    answer = await client.ask()
    assert set(answer) == _ANSWER_KEYS
    assert re.fullmatch(r"ans_[0-9a-f]{32}", answer["id"])
    assert (answer["object"], answer["model"], answer["llm_generated"]) == ("answer", "extractive", False)
    assert (answer["status"], answer["refusal"], answer["language"]) == ("answered", None, "en")
    assert answer["question"] == QUESTION
    assert 1_600_000_000 < answer["created"] < 4_000_000_000
    assert answer["retrieval"]["legs"] == ["lexical"]
    assert answer["retrieval"]["candidates"] > 0
    assert set(answer["timings_ms"]) >= {"analyse", "lexical", "rerank", "answer", "verify", "total"}


async def test_offsets_count_code_points_of_the_answer(client: Client) -> None:
    for question in (QUESTION, _TRACTOR, _HANT):
        answer = await client.ask(question)
        text, at = answer["answer"], 0
        assert answer["segments"], question
        for segment in answer["segments"]:
            assert at <= segment["start"] < segment["end"] <= len(text)
            assert text[segment["start"] : segment["end"]] == segment["text"]
            assert re.fullmatch(r"(\[\d+\]\s*|\s*)*", text[at : segment["start"]]), "only marks stand between segments"
            at = segment["end"]
        for mark in answer["highlights"]:
            assert any(s["start"] <= mark["start"] < mark["end"] <= s["end"] for s in answer["segments"])


async def test_citations_are_numbered_as_they_appear_and_each_is_used(client: Client) -> None:
    answer = await client.ask()
    assert [c["index"] for c in answer["citations"]] == list(range(1, len(answer["citations"]) + 1))
    assert [c["id"] for c in answer["citations"]] == [f"c{c['index']}" for c in answer["citations"]]
    used = list(dict.fromkeys(name for segment in answer["segments"] for name in segment["citation_ids"]))
    assert used == [c["id"] for c in answer["citations"]]
    assert list(dict.fromkeys(re.findall(r"\[(\d+)\]", answer["answer"]))) == [str(c["index"]) for c in answer["citations"]]


async def test_a_citation_stands_on_its_page_letter_by_letter(client: Client) -> None:
    for question in (QUESTION, _TRACTOR, _HANT):
        for citation in (await client.ask(question))["citations"]:
            assert set(citation) >= _CITATION_KEYS
            page = (await client.get(f"/v1/documents/{citation['document_id']}/pages/{citation['page'] or 1}")).json()
            assert page["text"][citation["start_char_index"] : citation["end_char_index"]] == citation["cited_text"]
            assert citation["verification"] == "exact"
            assert 0 <= citation["score"] <= 1
            assert citation["url"].startswith(f"/#/documents/{citation['document_id']}?page={citation['page'] or 1}&start=")


async def test_a_pdf_is_cited_by_page_and_a_text_by_character(client: Client) -> None:
    paged = (await client.ask(_TRACTOR))["citations"][0]
    assert (paged["type"], paged["page"], paged["page_end"], paged["file_name"]) == ("page_location", 2, 2, "tractors.pdf")
    assert paged["rects"]
    assert all(0 <= rect["x0"] < rect["x1"] <= 1 and 0 <= rect["y0"] < rect["y1"] <= 1 for rect in paged["rects"])
    picture = await client.get(paged["page_image_url"])
    assert picture.status_code == 200
    plain = (await client.ask())["citations"][0]
    assert (plain["type"], plain["page"], plain["rects"], plain["page_image_url"]) == ("char_location", None, [], None)


async def test_verification_counts_what_is_cited(client: Client) -> None:
    answer = await client.ask()
    assert answer["verification"]["verified"] == len(answer["segments"])
    assert answer["verification"]["dropped"] == 0


async def test_what_is_not_there_is_refused_in_the_askers_script(client: Client) -> None:
    for question, language, sign in (
        (UNANSWERABLE, "en", "not"),
        ("一九一一年肯特對薩里的板球賽誰贏了？", "zh-Hant", "語料庫裡"),
        ("昨天晚上食堂的红烧肉多少钱？", "zh-Hans", "语料库里"),
    ):
        answer = await client.ask(question)
        assert (answer["status"], answer["language"]) == ("refused", language)
        assert answer["refusal"]["code"] in ("no_evidence", "low_confidence")
        assert sign in answer["refusal"]["message"]
        assert (answer["citations"], answer["segments"], answer["highlights"]) == ([], [], [])
        for nearest in answer["refusal"]["nearest"]:
            assert set(nearest) >= _CITATION_KEYS


async def test_an_empty_library_refuses(library: Library, tmp_path: Any) -> None:
    async with serving(library.settings(tmp_path / "none")) as client:
        answer = await client.ask()
        assert (answer["status"], answer["refusal"]["code"], answer["citations"]) == ("refused", "empty_corpus", [])
        assert (await client.post("/v1/search", json={"query": "model"})).json()["data"] == []


async def test_the_language_may_be_asked_for(client: Client) -> None:
    answer = await client.ask(UNANSWERABLE, language="zh-Hans")
    assert answer["language"] == "zh-Hans"
    assert (await client.ask(UNANSWERABLE, language="auto"))["language"] == "en"


@pytest.mark.parametrize("question", [QUESTION, _TRACTOR, _HANT, "Gemini 2.5 Pro 的份額有多少？"])
async def test_the_language_of_the_answer_changes_no_judgement(client: Client, question: str) -> None:
    found = [await client.ask(question, language=language) for language in ("auto", "en", "zh-Hant", "zh-Hans")]
    assert len({(answer["status"], answer["confidence"]) for answer in found}) == 1
    assert [answer["language"] for answer in found[1:]] == ["en", "zh-Hant", "zh-Hans"]


async def test_latin_names_make_no_question_english(client: Client) -> None:
    assert (await client.ask("Cloudflare AI Gateway 適合誰？"))["language"] == "zh-Hant"
    assert (await client.ask("Who is the largest shareholder of 东北电气?"))["language"] == "en"


async def test_a_follow_up_without_a_sign_of_it_is_read_with_the_question_before(client: Client) -> None:
    history = [{"role": "user", "content": "What did the tractor in Norfolk do?"}, {"role": "assistant", "content": "It pulled."}]
    answer = await client.ask("How heavy was what was pulled, in kilograms?", history=history)
    assert "Norfolk" in answer["standalone_question"]
    assert "4,200" in answer["answer"]


@pytest.mark.parametrize(
    "question", [QUESTION, "What is agentic inference?", "How high is the tower of Taipei?", "Wer hat den Krieg gewonnen?"]
)
async def test_a_question_about_something_else_is_not_read_with_the_one_before(client: Client, question: str) -> None:
    history = [{"role": "user", "content": _TRACTOR}, {"role": "assistant", "content": "4,200 kilograms."}]
    alone, after = await client.ask(question), await client.ask(question, history=history)
    assert after["standalone_question"] == question
    assert (after["answer"], after["status"]) == (alone["answer"], alone["status"])


async def test_filters_keep_to_what_is_named(client: Client) -> None:
    ids = await client.documents()
    wanted = ids["tractors.pdf"]
    found = (await client.post("/v1/search", json={"query": "share of firms", "filters": {"document_ids": [wanted]}})).json()["data"]
    assert {item["document_id"] for item in found} == {wanted}
    found = (await client.post("/v1/search", json={"query": "AI model", "top_k": 50, "filters": {"languages": ["zh-Hans"]}})).json()["data"]
    assert found
    assert {item["language"] for item in found} == {"zh-Hans"}
    found = (await client.post("/v1/search", json={"query": "model", "top_k": 50, "filters": {"tags": ["cohorts"]}})).json()["data"]
    assert found
    assert {item["file_name"] for item in found} == {"state-of-ai-retention.md"}
    found = (await client.post("/v1/search", json={"query": "model", "filters": {"date_from": "2031"}})).json()["data"]
    assert found == []


async def test_filters_that_fit_nothing_refuse(client: Client) -> None:
    answer = await client.ask(filters={"document_ids": ["doc_0000000000000000"]})
    assert (answer["status"], answer["citations"]) == ("refused", [])


async def test_explain_comes_only_when_asked_for(client: Client) -> None:
    assert "explain" not in await client.ask()
    assert (await client.ask(explain=True))["explain"]
    assert "explain" in (await client.post("/v1/search", json={"query": "retention", "explain": True})).json()


async def test_a_follow_up_is_made_to_stand_alone(client: Client) -> None:
    history = [{"role": "user", "content": _TRACTOR}, {"role": "assistant", "content": "4,200 kilograms."}]
    answer = await client.ask("And in which county?", history=history)
    assert answer["question"] == "And in which county?"
    assert "tractor" in answer["standalone_question"].lower()


# ---- streams -------------------------------------------------------------------------------------------------------------------------


async def test_a_stream_runs_from_start_to_done(client: Client) -> None:
    for question in (QUESTION, _TRACTOR, _HANT, UNANSWERABLE):
        response = await client.post("/v1/ask", json={"question": question, "stream": True})
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        events = events_of(response.text)
        names = [name for name, _ in events]
        assert names[0] == "start"
        assert names[1] == "retrieval"
        assert names[-1] == "done"
        assert set(names[2:-1]) <= {"delta", "citation"}
        done = events[-1][1]
        assert "".join(data["text"] for name, data in events if name == "delta") == done["answer"]
        assert [data for name, data in events if name == "citation"] == done["citations"]
        assert set(done) == _ANSWER_KEYS


async def test_a_streams_answer_is_the_plain_answer(client: Client) -> None:
    plain = await client.ask()
    done = events_of((await client.post("/v1/ask", json={"question": QUESTION, "stream": True})).text)[-1][1]
    changing = {"id", "created", "timings_ms"}
    assert {k: v for k, v in plain.items() if k not in changing} == {k: v for k, v in done.items() if k not in changing}


async def test_a_slow_stream_is_kept_open_by_a_comment(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: Any, **__: Any) -> AsyncIterator[Event]:
        yield "start", {}
        await asyncio.sleep(0.2)
        yield "done", {}

    monkeypatch.setattr("service.events._PING_S", 0.05)
    monkeypatch.setattr(routes_ask, "answer_events", slow)
    text = (await client.post("/v1/ask", json={"question": QUESTION, "stream": True})).text
    assert text.count(": ping\n\n") >= 2
    assert [name for name, _ in events_of(text)] == ["start", "done"]


async def test_a_stop_ends_a_stream_with_an_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = asyncio.Event()

    async def endless(*_: Any, **__: Any) -> AsyncIterator[Event]:
        try:
            yield "start", {}
            await asyncio.sleep(60)
        finally:
            closed.set()

    monkeypatch.setattr(routes_ask, "answer_events", endless)
    asking = asyncio.ensure_future(client.post("/v1/ask", json={"question": QUESTION, "stream": True}))
    await asyncio.sleep(0.1)
    client.app.state.wenju.stopping.set()
    events = events_of((await asyncio.wait_for(asking, 2)).text)
    assert events[-1] == ("error", {"code": "shutting_down", "message": "the service is stopping"})
    assert closed.is_set(), "what makes the answer is ended, not left running"


async def test_a_stream_that_breaks_says_so_without_the_reason(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> AsyncIterator[Event]:
        yield "start", {}
        raise RuntimeError("/secret/path")

    async def short(*_: Any, **__: Any) -> AsyncIterator[Event]:
        yield "start", {}

    for source in (broken, short):
        monkeypatch.setattr(routes_ask, "answer_events", source)
        text = (await client.post("/v1/ask", json={"question": QUESTION, "stream": True})).text
        assert events_of(text)[-1][0] == "error"
        assert events_of(text)[-1][1]["code"] == "internal"
        assert "/secret/path" not in text


# ---- search, feedback, suggestions ---------------------------------------------------------------------------------------------------


async def test_search_lists_passages_best_first(client: Client) -> None:
    body = (await client.post("/v1/search", json={"query": "tractor Norfolk", "top_k": 3})).json()
    assert (body["object"], body["generation"]) == ("list", "gen-000001")
    assert body["timings_ms"]["total"] > 0
    first = body["data"][0]
    assert set(first) >= {
        "passage_id", "document_id", "document_title", "file_name", "page", "page_label", "heading", "text", "start_char_index",
        "end_char_index", "score", "scores",
    }  # fmt: skip
    assert (first["file_name"], first["page"]) == ("tractors.pdf", 2)
    scores = [item["score"] for item in body["data"]]
    assert scores == sorted(scores, reverse=True)
    assert len((await client.post("/v1/search", json={"query": "model", "top_k": 2})).json()["data"]) == 2
    page = (await client.get(f"/v1/documents/{first['document_id']}/pages/2")).json()
    assert page["text"][first["start_char_index"] : first["end_char_index"]] == first["text"]


async def test_feedback_is_kept_with_what_it_is_on(client: Client) -> None:
    answer = await client.ask(_TRACTOR)
    vote = {"answer_id": answer["id"], "vote": "down", "reason": "wrong", "comment": "單位錯了"}
    response = await client.post("/v1/feedback", json=vote)
    assert response.status_code == 201
    assert (response.json()["answer_id"], response.json()["vote"]) == (answer["id"], "down")
    state = client.app.state.wenju
    kept = list(state.kb.catalogue.feedback())[-1]
    text = json.dumps(kept, ensure_ascii=False, default=str)
    assert "單位錯了" in text
    assert _TRACTOR in text
    assert "tractors.pdf" in text


async def test_a_vote_can_be_taken_back(client: Client) -> None:
    kept = client.app.state.wenju.kb.catalogue.feedback
    mine, other = "ans_" + "a" * 32, "ans_" + "b" * 32
    for answer_id, vote in ((mine, "up"), (other, "up"), (mine, "down")):
        assert (await client.post("/v1/feedback", json={"answer_id": answer_id, "vote": vote})).status_code == 201
    for _ in range(2):
        gone = await client.delete(f"/v1/feedback/{mine}")
        assert (gone.status_code, gone.content) == (204, b"")
    ids = [record["answer_id"] for record in kept()]
    assert mine not in ids
    assert other in ids
    assert (await client.delete("/v1/feedback/ans_1")).status_code == 422


@pytest.mark.parametrize(
    ("accepted", "history", "spoken"),
    [
        ("zh-TW,zh;q=0.9,en;q=0.8", [], "zh-Hant"),
        ("zh-CN,zh;q=0.9", [], "zh-Hans"),
        ("en-GB,zh-CN;q=0.3,zh-HK;q=0.5", [], "zh-Hant"),
        ("zh-Hant;q=0,en", [], "zh-Hans"),
        ("", [], "zh-Hans"),
        ("zh-TW", ["中国的企业用人工智能吗？"], "zh-Hans"),
        ("zh-TW", ["How many tokens?"], "zh-Hant"),
        ("zh-Hans", ["什麼是玻璃鞋？"], "zh-Hant"),
    ],
)
async def test_a_question_in_neither_script_is_answered_in_the_readers(
    client: Client, accepted: str, history: list[str], spoken: str
) -> None:
    """``Accept-Language`` decides only where the characters do not, and after what was asked before."""
    before = [{"role": "user", "content": text} for text in history]
    body = {"question": "人工智能有多少人用？", "history": before}
    answer = (await client.post("/v1/ask", json=body, headers={"Accept-Language": accepted})).json()
    assert answer["language"] == spoken
    told = {"question": "開放模型有多少？", "language": "auto"}
    assert (await client.post("/v1/ask", json=told, headers={"Accept-Language": "zh-CN"})).json()["language"] == "zh-Hant"


@pytest.mark.parametrize("fault", [{"vote": "sideways"}, {"answer_id": "ans_1"}, {"comment": "x" * 4_001}, {"more": 1}])
async def test_feedback_of_another_form_is_turned_away(client: Client, fault: dict[str, Any]) -> None:
    vote = {"answer_id": "ans_" + "0" * 32, "vote": "up"} | fault
    response = await client.post("/v1/feedback", json=vote)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_suggestions_to_go_on_with_are_answered_by_the_cited_documents(client: Client) -> None:
    ids = await client.documents()
    cited = [ids["ai-index-2026.md"], ids["cnnic-genai-2025.md"], "doc_of_nobody"]
    data = (await client.get("/v1/suggestions", params={"limit": 3, "document_id": cited})).json()["data"]
    assert len(data) == 3
    assert {offer["document_id"] for offer in data} == set(cited[:2]), "in turn"
    assert len({offer["question"] for offer in data}) == 3
    for offer in data:
        answer = await client.ask(offer["question"])
        assert offer["document_id"] in {citation["document_id"] for citation in answer["citations"]}
    assert (await client.get("/v1/suggestions", params={"document_id": ["doc_of_nobody"]})).json()["data"] == []
    assert (await client.get("/v1/suggestions", params={"document_id": ["x"] * 21})).status_code == 422


async def test_suggestions_can_be_answered(client: Client) -> None:
    body = (await client.get("/v1/suggestions", params={"limit": 3})).json()
    assert body["object"] == "list"
    assert 1 <= len(body["data"]) <= 3
    for offer in body["data"]:
        answer = await client.ask(offer["question"])
        assert answer["language"] == offer["language"]
        assert offer["document_id"] in {citation["document_id"] for citation in answer["citations"]}
    assert (await client.get("/v1/suggestions", params={"limit": 1})).json()["data"] == body["data"][:1]
