"""The optional second opinion on generated sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fakes import FakeOpenAI, Reply, cited, passages_of
from service_kit import Library, serving

from ingest.kb import SettingsError
from service.judge import make_judge
from service.llm import Breaker, Model

pytest_plugins = ("service_kit",)

ASKED = "How many AI incidents were reported in 2025?"
FACT = "Reported AI incidents rose from 233 in 2024 to 362 in 2025."
SECOND = "The United States produced 50 notable models in 2025 and China 30."


def entails(premise: str, hypothesis: str) -> float:
    """A stand-in for a model of entailment: sure of the incidents, doubtful of the rest."""
    return 0.9 if "incidents" in hypothesis and "incidents" in premise else 0.1


def broken(premise: str, hypothesis: str) -> float:
    """A model that is not loaded."""
    raise RuntimeError("no weights")


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    server = FakeOpenAI(lambda body: Reply(_speak(body, "YES")))
    yield server
    server.close()


def _speak(body: dict[str, Any], verdict: str) -> str:
    """Answer a question with two sentences; judge the second of them as told, the first with yes."""
    if body["messages"][0]["content"].startswith("You check"):
        return verdict if SECOND in body["messages"][1]["content"].rsplit(">>>", 1)[-1] else "YES"
    return f"{cited(body, FACT)} {cited(body, SECOND)}" if passages_of(body) else ""


def _settings(library: Library, fake: FakeOpenAI, judge: str, **more: Any) -> Any:
    return library.settings(llm={"base_url": fake.url, "model": "fake", "judge": judge, **more})


@pytest.mark.parametrize(
    ("judge", "verdict", "shown", "counts"),
    [
        ("llm", "YES", True, (2, 0)),
        ("llm", "NO.", False, (3, 0)),
        ("llm", "Perhaps", True, (1, 1)),
        ("test_llm_judge:entails", "", False, (3, 0)),
        ("test_llm_judge:broken", "", True, (0, 2)),
        ("", "NO", True, None),
    ],
)
async def test_the_judge_may_withhold_and_where_it_cannot_say_the_rules_stand(
    library: Library, fake: FakeOpenAI, judge: str, verdict: str, shown: bool, counts: tuple[int, int] | None
) -> None:
    fake.script = lambda body: Reply(_speak(body, verdict))
    async with serving(_settings(library, fake, judge)) as client:
        answer = await client.ask(ASKED)
    assert FACT in answer["answer"]
    assert (SECOND in answer["answer"]) is shown
    told = answer["verification"]
    assert (told["supported"], told["dropped"]) == ((2, 0) if shown else (1, 1))
    # A withheld sentence is written anew once, with both of them: the second is judged again.
    assert ((told["judged"], told["unjudged"]) if counts else None) == counts
    assert counts is not None or "judged" not in told


async def test_the_judge_shows_nothing_that_the_rules_withhold(library: Library, fake: FakeOpenAI) -> None:
    wrong = FACT.replace("362", "382")
    fake.script = lambda body: Reply(
        cited(body, FACT, wrong) if passages_of(body) and "check" not in body["messages"][0]["content"][:10] else "YES"
    )
    async with serving(_settings(library, fake, "test_llm_judge:entails")) as client:
        answer = await client.ask(ASKED)
    assert "382" not in answer["answer"]
    assert not answer["llm_generated"]


@pytest.mark.parametrize("name", ["nowhere:function", "test_llm_judge:missing", "no colon"])
async def test_a_judge_that_is_not_there_is_told_at_the_start(library: Library, fake: FakeOpenAI, name: str) -> None:
    settings = _settings(library, fake, name)
    with pytest.raises(SettingsError, match=r"llm\.judge"):
        make_judge(Model(settings, Breaker()))
    with pytest.raises(SettingsError):
        async with serving(settings):
            pass
