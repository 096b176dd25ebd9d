"""``/v1/documents`` and ``/v1/jobs``: list, upload, read, show, remove."""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from makers import PROSE, pdf_locked, pdf_plain
from PIL import Image
from service_kit import DIGESTS, ROOT, Client, Library, environment, events_of, serving

from ingest.kb import Settings
from ingest.kb.generation import Layout, writer_lock
from service.routes_documents import shown_name

pytest_plugins = ("service_kit",)

_NOTE = "# Windmills\n\nThe windmill at Cley ground 37 sacks of barley on 3 May 1911.\n"
_ASKED = "How many sacks of barley did the windmill at Cley grind?"
_URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture
async def writer(scratch: Library) -> AsyncIterator[Client]:
    """The service over a library that may be changed."""
    async with serving(scratch.settings()) as running:
        yield running


def _file(content: str | bytes = _NOTE, name: str = "windmills.md") -> dict[str, Any]:
    return {"file": (name, content.encode() if isinstance(content, str) else content)}


def _under(folder: Path, pattern: str = "*") -> set[Path]:
    return set(folder.rglob(pattern))


async def _put(client: Client, content: str | bytes = _NOTE, name: str = "windmills.md") -> dict[str, Any]:
    """Upload a file and return its job when it has ended."""
    response = await client.post("/v1/documents", files=_file(content, name))
    assert response.status_code == 202, response.text
    return await client.finished(response.json()["id"])


# ---- list and get --------------------------------------------------------------------------------------------------------------------


async def test_the_list_names_every_document(client: Client) -> None:
    body = (await client.get("/v1/documents")).json()
    assert (body["object"], body["total"], body["has_more"], body["generation"]) == ("list", len(DIGESTS) + 1, False, "gen-000001")
    assert [item["id"] for item in body["data"]] == sorted(item["id"] for item in body["data"])
    record = next(item for item in body["data"] if item["file_name"] == "tractors.pdf")
    assert (record["object"], record["title"], record["page_count"], record["language"]) == ("document", "Tractors at work", 2, "en")
    assert record["passages"] >= 2
    assert not any(str(client.app.state.wenju.settings.data_dir) in str(value) for value in record.values()), "no path of the server"


async def test_pages_of_the_list_join_to_the_whole(client: Client) -> None:
    every = [item["id"] for item in (await client.get("/v1/documents")).json()["data"]]
    got: list[str] = []
    more = True
    while more:
        body = (await client.get("/v1/documents", params={"limit": 2} | ({"after": got[-1]} if got else {}))).json()
        assert (len(body["data"]), body["total"]) == (2, len(every))
        got += [item["id"] for item in body["data"]]
        more = body["has_more"]
    assert got == every


async def test_a_document_has_its_pages(client: Client, library: Library) -> None:
    ids = await client.documents()
    record = (await client.get(f"/v1/documents/{ids['tractors.pdf']}")).json()
    assert record["sha256"] == hashlib.sha256(library.pdf).hexdigest()
    assert [(page["page"], page["ocr"], page["warnings"]) for page in record["pages"]] == [(1, False, []), (2, False, [])]
    assert all(page["characters"] > 50 for page in record["pages"])


# ---- page text, page pictures, originals ---------------------------------------------------------------------------------------------


async def test_a_page_has_its_text_and_blocks(client: Client) -> None:
    ids = await client.documents()
    page = (await client.get(f"/v1/documents/{ids['tractors.pdf']}/pages/2")).json()
    assert (page["object"], page["page"], page["page_count"], page["converted"]) == ("page", 2, 2, False)
    assert "4,200 kilograms" in page["text"]
    assert page["blocks"]
    assert all(0 <= b["start"] < b["end"] <= len(page["text"]) for b in page["blocks"])


async def test_a_document_without_pages_is_page_one(client: Client) -> None:
    ids = await client.documents()
    page = (await client.get(f"/v1/documents/{ids['ai-index-2026.md']}/pages/1")).json()
    assert page["page"] == 1
    assert page["text"]
    missing = await client.get(f"/v1/documents/{ids['ai-index-2026.md']}/pages/2")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_a_page_is_converted_for_reading_and_says_so(client: Client) -> None:
    ids = await client.documents()
    path = f"/v1/documents/{ids['cnnic-genai-2025.md']}/pages/1"
    plain = (await client.get(path)).json()
    turned = (await client.get(path, params={"script": "zh-Hant"})).json()
    assert (plain["converted"], plain["script"]) == (False, "zh-Hans")
    assert (turned["converted"], turned["script"]) == (True, "zh-Hant")
    assert ("规模" in plain["text"], "规模" in turned["text"], "規模" in turned["text"]) == (True, False, True)
    for before, after in zip(plain["blocks"], turned["blocks"], strict=True):
        assert (after["source_start"], after["source_end"]) == (before["start"], before["end"])
        assert turned["text"][after["start"] : after["end"]].strip() == turned["text"][after["start"] : after["end"]]
    same = (await client.get(path, params={"script": "zh-Hans"})).json()
    assert (same["converted"], same["text"]) == (False, plain["text"])
    other = await client.get(path, params={"script": "klingon"})
    assert (other.status_code, other.json()["code"]) == (422, "invalid_request")


async def test_a_page_picture_is_a_webp_with_the_span_boxed(client: Client) -> None:
    ids = await client.documents()
    path = f"/v1/documents/{ids['tractors.pdf']}/pages/2.webp"
    plain = await client.get(path)
    assert (plain.status_code, plain.headers["content-type"]) == (200, "image/webp")
    assert (plain.content[:4], plain.content[8:12]) == (b"RIFF", b"WEBP")
    assert "private" in plain.headers["cache-control"]
    boxed = await client.get(path, params={"start": 10, "end": 60})
    assert boxed.content[8:12] == b"WEBP"
    assert boxed.content != plain.content
    narrow = await client.get(path, params={"width": 300})
    assert Image.open(io.BytesIO(narrow.content)).width == 300


async def test_a_document_without_pages_has_no_picture(client: Client) -> None:
    ids = await client.documents()
    response = await client.get(f"/v1/documents/{ids['ai-index-2026.md']}/pages/1.webp")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert "no pages" in response.json()["detail"]


@pytest.mark.parametrize("query", ["width=1", "width=100000", "start=-1", "end=x"])
async def test_a_picture_of_impossible_size_is_turned_away(client: Client, query: str) -> None:
    ids = await client.documents()
    response = await client.get(f"/v1/documents/{ids['tractors.pdf']}/pages/1.webp?{query}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_an_original_comes_as_an_attachment_byte_by_byte(client: Client, library: Library) -> None:
    ids = await client.documents()
    response = await client.get(f"/v1/documents/{ids['tractors.pdf']}/file")
    assert response.content == library.pdf
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"] == 'attachment; filename="tractors.pdf"'


async def test_ten_thousand_ranges_do_no_harm(client: Client, library: Library) -> None:
    ids = await client.documents()
    path = f"/v1/documents/{ids['tractors.pdf']}/file"
    part = await client.get(path, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, library.pdf[:4])
    many = "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 20_000, 2))
    response = await asyncio.wait_for(client.get(path, headers={"Range": many}), 2)
    assert response.status_code in (200, 206, 400, 416)
    assert len(response.content) < 3_000_000
    for odd in ("bytes=-", "bytes=9-1", "bytes=0-0, -", "lines=1-2", "bytes=99999999-"):
        response = await client.get(path, headers={"Range": odd})
        assert response.status_code in (200, 206, 400, 416), odd


# ---- upload --------------------------------------------------------------------------------------------------------------------------


async def test_an_upload_becomes_searchable(writer: Client) -> None:
    assert (await writer.ask(_ASKED))["status"] == "refused"
    response = await writer.post("/v1/documents", files=_file())
    body = response.json()
    assert (response.status_code, body["object"], body["kind"], body["file_name"]) == (202, "job", "ingest", "windmills.md")
    assert response.headers["location"] == f"/v1/jobs/{body['id']}"
    job = await writer.finished(body["id"])
    assert (job["state"], job["errors"], job["files_done"], job["document_id"]) == ("done", [], 1, body["document_id"])
    assert (job["generation"], job["passages"]) == ("gen-000002", 1)
    answer = await writer.ask(_ASKED)
    assert (answer["status"], answer["citations"][0]["file_name"]) == ("answered", "windmills.md")
    assert "37" in answer["answer"]
    assert (await writer.get(f"/v1/documents/{body['document_id']}/file")).content == _NOTE.encode()


async def test_an_upload_keeps_its_name_in_a_data_folder_that_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with serving(Settings(data_dir=Path("data"), embedding={"provider": "none"})) as client:
        job = await _put(client)
        assert (job["state"], (await client.get(f"/v1/documents/{job['document_id']}")).json()["file_name"]) == ("done", "windmills.md")
        found = (await client.post("/v1/search", json={"query": "windmill barley"})).json()["data"]
        assert {passage["file_name"] for passage in found} == {"windmills.md"}
        original = await client.get(f"/v1/documents/{job['document_id']}/file")
        assert original.headers["content-disposition"] == 'attachment; filename="windmills.md"'
        assert not client.app.state.wenju.kb.catalogue.sources(), "the folder of uploads is no source"
        broken = await _put(client, b"%PDF-1.7\nbroken", "broken.pdf")
        assert broken["errors"][0]["reason"].startswith("broken.pdf")


async def test_a_pdf_can_be_uploaded(writer: Client) -> None:
    data = pdf_plain(["Chimneys of Preston: 112 were counted in 1890, and 7 of them still stand today."])
    job = await _put(writer, data, "chimneys.pdf")
    assert (job["state"], job["pages_done"], job["pages_total"]) == ("done", 1, 1)
    assert (await writer.ask("How many chimneys were counted in Preston in 1890?"))["citations"][0]["page"] == 1


async def test_nothing_of_an_upload_is_left_in_its_folder(writer: Client) -> None:
    await _put(writer)
    await _put(writer, pdf_locked(pdf_plain([PROSE]), user="one", owner="two"), "locked.pdf")
    uploads = writer.app.state.wenju.settings.data_dir / "uploads"
    assert not list(uploads.iterdir())


async def test_the_same_bytes_again_are_known(writer: Client) -> None:
    job = await _put(writer)
    again = await writer.post("/v1/documents", files=_file(name="other-name.md"))
    assert again.status_code == 200
    assert (again.json()["deduplicated"], again.json()["id"]) == (True, job["document_id"])
    assert "location" not in again.headers
    assert (await writer.get("/v1/documents")).json()["total"] == len(DIGESTS) + 2


async def test_a_locked_pdf_fails_with_its_code(writer: Client) -> None:
    job = await _put(writer, pdf_locked(pdf_plain([PROSE]), user="one", owner="two"), "locked.pdf")
    assert job["state"] == "failed"
    assert [(fault["code"], fault["file"]) for fault in job["errors"]] == [("locked_file", "locked.pdf")]
    assert job["errors"][0]["hint"]
    assert (await writer.get("/v1/documents")).json()["total"] == len(DIGESTS) + 1, "what was there is untouched"


@pytest.mark.parametrize(
    ("content", "name"), [(b"\x7fELF" + bytes(200), "program.md"), (b"PK\x03\x04" + bytes(200), "archive.zip"), (b"", "empty.md")]
)
async def test_a_file_that_cannot_be_read_fails_with_a_reason(writer: Client, content: bytes, name: str) -> None:
    response = await writer.post("/v1/documents", files=_file(content, name))
    if response.status_code == 202:
        job = await writer.finished(response.json()["id"])
        assert job["state"] == "failed"
        fault = job["errors"][0]
    else:
        assert 400 <= response.status_code < 500
        fault = response.json()
    assert fault["code"] not in ("", "internal")
    assert fault.get("hint") or fault.get("detail")


def _archive(folder: Path, kind: str) -> bytes:
    (folder / "in").mkdir()
    (folder / "in" / "escaped.md").write_text(_NOTE, "utf-8")
    return Path(shutil.make_archive(str(folder / "a"), kind, folder / "in")).read_bytes()


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
async def test_an_archive_is_no_document(writer: Client, tmp_path: Path, kind: str) -> None:
    """Whatever it calls itself, nothing of it is unpacked: the file fails by name, and its parts are nowhere."""
    data = _archive(tmp_path, kind)
    for name in (f"a.{kind}", "a.md", "a.pdf", "a.docx"):
        job = await _put(writer, data, name)
        assert job["state"] == "failed", (name, job)
        assert job["errors"][0]["code"] in ("unsupported", "unreadable", "no_text"), job
    assert not list(writer.app.state.wenju.settings.data_dir.rglob("escaped*"))
    assert (await writer.ask(_ASKED))["status"] == "refused"


async def test_what_is_no_upload_is_turned_away(writer: Client) -> None:
    for request in ({"json": {"file": "x"}}, {"data": {"file": "text, no file"}}, {"files": {"other": ("a.md", b"x")}}, {"content": b"x"}):
        response = await writer.post("/v1/documents", **request)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_request"), request
    broken = await writer.post("/v1/documents", content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=y"})
    assert broken.status_code in (400, 422)


async def test_a_form_has_few_parts(writer: Client) -> None:
    """Each file of a form is kept aside on disk before a route sees it, each field in memory."""
    two = await writer.post("/v1/documents", files=[("file", ("a.md", b"# A")), ("file", ("b.md", b"# B"))])
    fields = await writer.post("/v1/documents", files=_file(), data={f"field{number}": "x" for number in range(21)})
    plain = await writer.post("/ask", content="&".join(f"field{number}=x" for number in range(21)), headers={"content-type": _URLENCODED})
    large = await writer.post("/ask", content="question=" + "x" * 300_000, headers={"content-type": _URLENCODED})
    for response in (two, fields, plain, large):
        assert (response.status_code, response.json()["code"]) == (400, "bad_request"), response.text
    assert not list((writer.app.state.wenju.settings.data_dir / "uploads").glob("*"))


async def test_a_file_over_the_limit_is_413_and_leaves_nothing(scratch: Library) -> None:
    async with serving(scratch.settings(read={"max_bytes": 1_000})) as client:
        response = await client.post("/v1/documents", files=_file("x" * 1_001))
        assert (response.status_code, response.json()["code"]) == (413, "limit")
        assert not list((scratch.data / "uploads").iterdir())


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../../etc/passwd.md", "passwd.md"),
        ("..\\..\\windows\\win.md", "win.md"),
        ("/absolute/report.md", "report.md"),
        ("\\\\host\\share\\report.md", "report.md"),
        ("report\u202egpj.md", "reportgpj.md"),
        ("a\u200fb\ufeffc.md", "abc.md"),
        ("a\x00b\r\nc.md", "abc.md"),
        ("..%2f..%2fx.md", "%2f..%2fx.md"),
        ("CON.md", "CON.md"),
        ("....", "upload"),
        ("", "upload"),
        (None, "upload"),
        ("\ud800.md", "md"),
        ("風車.md", "風車.md"),
    ],
)
def test_a_name_is_cut_to_what_can_be_shown(sent: str | None, shown: str) -> None:
    assert shown_name(sent) == shown


@pytest.mark.parametrize("sent", ["報" * 150 + ".md", "x" * 300, "x" * 300 + ".md", "x." + "y" * 300, "." + "z" * 300, "🙂" * 90 + ".pdf"])
def test_a_long_name_is_cut_between_characters(sent: str) -> None:
    name = shown_name(sent)
    assert 1 <= len(name.encode()) <= 200
    assert name[0] == sent.lstrip(".")[0]
    assert name.rpartition(".")[2] == sent.rpartition(".")[2] or len(sent.rpartition(".")[2]) > 20


@pytest.mark.parametrize("sent", ["../../../etc/passwd.md", "/absolute/report\u202egpj.md", "報" * 150 + ".md"])
async def test_a_name_is_text_to_show_and_nothing_else(writer: Client, sent: str) -> None:
    data = writer.app.state.wenju.settings.data_dir
    before = {path for path in _under(data.parent) if data not in path.parents}
    job = await _put(writer, _NOTE, sent)
    assert job["state"] == "done", job
    assert (await writer.get(f"/v1/documents/{job['document_id']}")).json()["file_name"] == shown_name(sent)
    assert {path for path in _under(data.parent) if data not in path.parents} == before, "nothing is written outside the data directory"
    assert (await writer.get(f"/v1/documents/{job['document_id']}/file")).content == _NOTE.encode()


async def test_a_name_with_a_nul_is_shown_without(writer: Client) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\x00b.md"\r\n\r\n' + _NOTE.encode() + b"\r\n--b--\r\n"
    response = await writer.post("/v1/documents", content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert response.status_code in (202, 400, 422), response.text
    if response.status_code == 202:
        assert response.json()["file_name"] == "ab.md"


# ---- delete, jobs --------------------------------------------------------------------------------------------------------------------


async def test_a_deleted_document_is_gone_everywhere(writer: Client) -> None:
    job = await _put(writer)
    ident = job["document_id"]
    sha = (await writer.get(f"/v1/documents/{ident}")).json()["sha256"]
    response = await writer.delete(f"/v1/documents/{ident}")
    assert (response.status_code, response.json()["kind"]) == (202, "remove")
    assert response.headers["location"] == f"/v1/jobs/{response.json()['id']}"
    assert (await writer.finished(response.json()["id"]))["state"] == "done"
    for path in ("", "/file", "/pages/1"):
        assert (await writer.get(f"/v1/documents/{ident}{path}")).status_code == 404
    assert (await writer.ask(_ASKED))["status"] == "refused"
    assert not _under(writer.app.state.wenju.settings.data_dir, f"*{sha}*"), "the original is removed from disk"


async def test_a_job_names_its_document_and_its_counts_all_along(writer: Client, scratch: Library) -> None:
    with writer_lock(Layout(scratch.data), wait_s=1):
        posted = (await writer.post("/v1/documents", files=_file())).json()
        ident = posted["document_id"]
        assert (posted["files_done"], posted["files_total"], posted["pages_done"], posted["pages_total"]) == (0, 1, 0, None)
        assert (await writer.get(f"/v1/jobs/{posted['id']}")).json()["document_id"] == ident
    events = events_of((await writer.get(f"/v1/jobs/{posted['id']}/events")).text)
    assert {data["document_id"] for _, data in events} == {ident}
    removal = (await writer.delete(f"/v1/documents/{ident}")).json()
    done = await writer.finished(removal["id"])
    assert (done["state"], done["files_done"], done["files_total"], done["document_id"]) == ("done", 1, 1, ident)
    assert (removal["files_done"], removal["document_id"]) == (0, ident)


async def test_a_jobs_events_end_with_done(writer: Client) -> None:
    response = await writer.post("/v1/documents", files=_file())
    stream = await writer.get(f"{response.headers['location']}/events")
    assert stream.headers["content-type"].startswith("text/event-stream")
    events = events_of(stream.text)
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    assert (events[-1][0], events[-1][1]["state"]) == ("done", "done")
    times = [data["last_event_at"] for _, data in events]
    assert times == sorted(times)


async def test_uploads_at_the_same_time_are_all_taken(writer: Client) -> None:
    texts = [f"# Note {n}\n\nThe lighthouse number {n} stands {n}00 metres from the shore.\n" for n in range(1, 6)]
    responses = await asyncio.gather(*(writer.post("/v1/documents", files=_file(text, f"n{n}.md")) for n, text in enumerate(texts)))
    jobs = [await writer.finished(response.json()["id"], 30) for response in responses]
    assert {job["state"] for job in jobs} == {"done"}
    assert (await writer.get("/v1/documents")).json()["total"] == len(DIGESTS) + 1 + len(texts)


async def test_an_upload_waits_for_another_writer(writer: Client, scratch: Library) -> None:
    with writer_lock(Layout(scratch.data), wait_s=1):
        response = await writer.post("/v1/documents", files=_file())
        assert response.status_code == 202
        await asyncio.sleep(0.5)
        job = (await writer.get(response.headers["location"])).json()
        assert (job["state"], job["stage"]) == ("running", "waiting")
        assert (await writer.ask())["status"] == "answered", "questions are answered meanwhile"
    assert (await writer.finished(job["id"]))["state"] == "done"


async def test_an_upload_during_an_ingest_of_another_process(writer: Client, scratch: Library) -> None:
    command = [str(ROOT / "wenju.py"), "ingest", str(ROOT / "corpus" / "digests" / "zh-hant")]
    quiet = asyncio.subprocess.DEVNULL
    other = await asyncio.create_subprocess_exec(sys.executable, *command, env=environment(scratch.data), stdout=quiet, stderr=quiet)
    try:
        jobs = []
        for turn in range(3):
            response = await writer.post("/v1/documents", files=_file(f"# Note {turn}\n\nNumber {turn} of the notes.\n", f"{turn}.md"))
            jobs.append(response.json()["id"])
            await asyncio.sleep(0.5)
        assert [(await writer.finished(job, 30))["state"] for job in jobs] == ["done"] * 3
        # 5: it came while an upload was being written, and the command line does not wait.
        assert await asyncio.wait_for(other.wait(), 30) in (0, 5)
    finally:
        if other.returncode is None:
            other.kill()
    names = await writer.documents()
    assert {f"{turn}.md" for turn in range(3)} <= set(names)
    assert other.returncode == 5 or "state-of-ai-method.md" in names, "both writers' documents are in the live generation"


async def test_a_read_only_service_changes_nothing(library: Library) -> None:
    async with serving(library.settings(service={"read_only": True})) as client:
        ids = await client.documents()
        for response in (await client.post("/v1/documents", files=_file()), await client.delete(f"/v1/documents/{ids['tractors.pdf']}")):
            assert (response.status_code, response.json()["code"]) == (403, "read_only")
        assert (await client.ask())["status"] == "answered"
        assert (await client.get("/version")).json()["read_only"] is True
    assert not (library.data / "uploads").exists()


async def test_a_name_outside_ascii_comes_back_as_rfc_5987_writes_it(writer: Client) -> None:
    job = await _put(writer, _NOTE, "風車報告.md")
    response = await writer.get(f"/v1/documents/{job['document_id']}/file")
    assert response.headers["content-disposition"] == "attachment; filename*=utf-8''%E9%A2%A8%E8%BB%8A%E5%A0%B1%E5%91%8A.md"
