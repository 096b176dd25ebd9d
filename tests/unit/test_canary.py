"""The canary sings: a key in a record of any logger at any level is noticed."""

from __future__ import annotations

import logging

import pytest
from canary import watch

from ingest.kb import Settings

_KEY = "canary-of-the-canary-0987654321"


@pytest.mark.leaks
def test_a_key_in_any_record_is_noticed() -> None:
    Settings(api_keys=[_KEY], llm={"api_key": _KEY[::-1]})
    log = logging.getLogger("some.library")
    log.debug("headers: %r", {"authorization": f"Bearer {_KEY}"})
    log.info("sent", extra={"facts": {"key": _KEY[::-1]}})
    try:
        raise ValueError(f"refused: {_KEY}")
    except ValueError:
        log.exception("failed")
    log.debug("harmless")
    assert len(watch.leaks) == 3
    assert watch.seen >= 4
