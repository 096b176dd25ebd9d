"""Logs: one JSON object a line, or plain lines on a terminal; secrets are blotted out wherever they turn up."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterable

from ingest.kb import Settings

__all__ = ["RedactSecrets", "hush", "secrets_of", "set_up_logs"]

_MIN_SECRET = 6


class RedactSecrets(logging.Filter):
    """Replaces the values of secrets in every record, its arguments and its traceback."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _MIN_SECRET}, key=len, reverse=True)

    def blot(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record; always True."""
        if self._secrets:
            record.msg, record.args = self.blot(record.getMessage()), ()
            if record.exc_info:
                record.exc_text = self.blot(logging.Formatter().formatException(record.exc_info))
                record.exc_info = None
        return True


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        body = {"time": stamp, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        body |= getattr(record, "facts", {})
        if record.exc_info or record.exc_text:
            body["exception"] = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type]
        return json.dumps(body, ensure_ascii=False, default=str)


def secrets_of(settings: Settings) -> list[str]:
    """Return the secrets that the settings hold."""
    keys = [*settings.api_keys, settings.llm.api_key, settings.embedding.api_key]
    return [key.get_secret_value() for key in keys]


def set_up_logs(settings: Settings) -> None:
    """Send all logs to standard error, as the settings say."""
    form = settings.service.log_format
    plain = form == "plain" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s") if plain else _Json())
    handler.addFilter(RedactSecrets(secrets_of(settings)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(os.environ.get("WENJU_LOG_LEVEL", "INFO").upper())
    hush()


def hush() -> None:
    """Keep libraries quiet that tell of each of their steps, some with the whole address."""
    for noisy in ("chromadb", "httpx", "httpcore", "urllib3", "PIL", "pypdf", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
