"""Prometheus metrics with bounded labels: routes by template, never by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

__all__ = ["Metrics"]

# Names that an answer may give its stages: others would be labels without bound.
_STAGES = frozenset({"analyse", "dense", "lexical", "rerank", "answer", "generate", "verify", "total"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """All metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("wenju_requests", "HTTP requests", ["route", "method", "status"], registry=self.registry)
        self.seconds = Histogram(
            "wenju_request_seconds", "Seconds until the first byte", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        self.in_flight = Gauge("wenju_requests_in_flight", "Requests being answered", registry=self.registry)
        self.answers = Counter("wenju_answers", "Answers", ["status", "model", "language"], registry=self.registry)
        self.refusals = Counter("wenju_refusals", "Refusals", ["code"], registry=self.registry)
        self.citations = Counter("wenju_citations", "Citations by verification", ["verification"], registry=self.registry)
        self.sentences = Counter("wenju_generated_sentences", "Generated sentences by outcome", ["outcome"], registry=self.registry)
        self.degraded = Counter("wenju_degraded_answers", "Answers without a part", ["part"], registry=self.registry)
        self.llm = Counter("wenju_llm_calls", "Calls of the language model", ["outcome"], registry=self.registry)
        self.stages = Histogram(
            "wenju_stage_seconds", "Seconds of a stage of an answer", ["stage"], buckets=_BUCKETS, registry=self.registry
        )
        self.feedback = Counter("wenju_feedback", "Votes", ["vote"], registry=self.registry)
        self.files = Counter("wenju_ingest_files", "Files of the service's own jobs", ["outcome"], registry=self.registry)
        self.pages = Counter("wenju_ingest_pages", "Pages of the service's own jobs", registry=self.registry)
        self.generation = Gauge("wenju_index_generation", "Number of the live generation", registry=self.registry)
        self.build = Info("wenju_build", "What runs", registry=self.registry)
        self.jobs = Counter("wenju_jobs", "Ingest jobs", ["state"], registry=self.registry)
        self.documents = Gauge("wenju_documents", "Documents in the live generation", registry=self.registry)
        self.passages = Gauge("wenju_passages", "Passages in the live generation", registry=self.registry)

    def count_answer(self, answer: Mapping[str, Any]) -> None:
        """Note an answer object."""
        model = "llm" if answer["llm_generated"] else "extractive"
        self.answers.labels(answer["status"], model, answer["language"]).inc()
        if answer["refusal"] is not None:
            self.refusals.labels(answer["refusal"]["code"]).inc()
        for citation in answer["citations"]:
            self.citations.labels(citation["verification"]).inc()
        for stage, milliseconds in answer.get("timings_ms", {}).items():
            if stage in _STAGES:
                self.stages.labels(stage).observe(milliseconds / 1000)
        for part in answer["retrieval"]["degraded"]:
            self.degraded.labels(part).inc()
        for outcome in ("supported", "dropped", "repaired"):
            if answer["verification"].get(outcome):
                self.sentences.labels(outcome).inc(answer["verification"][outcome])

    def text(self) -> bytes:
        """Return the exposition format."""
        return generate_latest(self.registry)
