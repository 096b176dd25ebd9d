"""A scan goes through the service: read in the child, marked in the document, on its page and in every citation of it."""

from __future__ import annotations

from makers import FakeOcr, pdf_picture
from service_kit import Library, serving

pytest_plugins = ("service_kit",)


async def test_what_was_read_by_ocr_says_so_everywhere(scratch: Library) -> None:
    settings = scratch.settings(read={"ocr": "makers:FakeOcr"})
    async with serving(settings) as client:
        response = await client.post("/v1/documents", files={"file": ("scan.pdf", pdf_picture())})
        job = await client.finished(response.json()["id"], seconds=60)
        assert job["state"] == "done", job
        id_of = await client.documents()
        record = (await client.get(f"/v1/documents/{id_of['scan.pdf']}")).json()
        assert [(page["page"], page["ocr"]) for page in record["pages"]] == [(1, True)]
        assert any("read by OCR" in warning for warning in record["warnings"])
        page = (await client.get(f"/v1/documents/{id_of['scan.pdf']}/pages/1")).json()
        assert (page["ocr"], page["text"]) == (True, FakeOcr.said)
        answer = await client.ask("What share of firms use models in 2025?", filters={"document_ids": [id_of["scan.pdf"]]})
        assert answer["status"] == "answered", answer
        (citation,) = answer["citations"]
        assert citation["ocr"] is True
        assert (citation["type"], citation["page"], citation["verification"]) == ("page_location", 1, "exact")
        assert citation["rects"]
        picture = await client.get(citation["page_image_url"])
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/webp")
        elsewhere = await client.ask()
        assert elsewhere["citations"]
        assert {item["ocr"] for item in elsewhere["citations"]} == {False}
