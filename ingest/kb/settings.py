"""Every setting of Wenju in one frozen object: flags > environment ``WENJU_*`` > ``wenju.toml`` > defaults."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ingest.kb.errors import SettingsError

__all__ = [
    "MAX_PORT",
    "AnswerSettings",
    "EmbeddingSettings",
    "LlmSettings",
    "ReadSettings",
    "RetrievalSettings",
    "ServiceSettings",
    "Settings",
    "VectorSettings",
    "describe_settings",
    "load_settings",
]


MAX_PORT = 65_535


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReadSettings(_Group):
    """Limits of reading one file, each enforced in the child process that parses it."""

    max_bytes: int = Field(50_000_000, description="Largest file, in bytes.")
    max_pages: int = Field(3_000, description="Most pages of one document.")
    max_chars: int = Field(10_000_000, description="Most characters of text of one document; a million takes some five seconds to index.")
    timeout_s: float = Field(300.0, description="Wall-clock seconds for one file.")
    memory_mb: int = Field(1_500, description="Address space of the parsing process, in MiB.")
    workers: int = Field(2, description="Files parsed side by side.")
    ocr: str = Field(
        "auto",
        pattern=r"^(?:auto|off|[\w.]+:\w+)$",
        description="Pages without text: `auto` reads them by OCR where the extra is installed, `off` does not, module:Class is your own.",
    )
    ocr_dpi: int = Field(150, ge=72, le=400, description="Resolution at which such a page is drawn for OCR, in dots per inch.")
    ocr_timeout_s: float = Field(900.0, description="Further seconds that one file may take for OCR; pages left over are named.")


class EmbeddingSettings(_Group):
    """The dense leg."""

    provider: str = Field("embedded", description="`embedded`, `none`, `openai-like`, `ollama`, or module:Class of a LlamaIndex embedding.")
    model: str = Field("", description="Model name for the provider.")
    base_url: str = Field("", description="Address of the provider's API.")
    api_key: SecretStr = Field(SecretStr(""), description="Key for it.")
    dimension: int = Field(0, description="Expected dimension; 0 takes what the model gives.")
    batch_size: int = Field(64, description="Texts in one call.")
    options: dict[str, Any] = Field(default_factory=dict, description="Further arguments for the embedding's class.")


class VectorSettings(_Group):
    """Where Chroma runs; its vectors are copies, an index never depends on them."""

    url: str = Field("", description="Address of a Chroma server, as `http://chroma:8000`; empty uses Chroma as a library, on local files.")
    namespace: str = Field(
        "wenju", pattern=r"^[a-z0-9][a-z0-9_]{1,40}$", description="First part of the collections' names; one for each data folder."
    )
    timeout_s: float = Field(2.0, gt=0, description="Longest wait for one answer of the server, in seconds.")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        address = urlsplit(value)
        if value and (address.scheme not in ("http", "https") or not address.hostname):
            raise ValueError("it must be as http://HOST:PORT")
        return value


class LlmSettings(_Group):
    """The optional language model."""

    base_url: str = Field("", description="Address of an OpenAI-compatible API, as a rule ending in `/v1`.")
    model: str = Field("", description="Model name. Empty: answers are extractive, no model is called.")
    api_key: SecretStr = Field(SecretStr(""), description="Key for it.")
    provider: str = Field("openai-like", description="`openai-like`, or module:Class of a LlamaIndex LLM.")
    connect_timeout_s: float = Field(5.0, description="Seconds to wait for a connection.")
    first_token_timeout_s: float = Field(30.0, description="Seconds to wait for the first piece of an answer.")
    idle_timeout_s: float = Field(20.0, description="Seconds to wait between two pieces.")
    total_timeout_s: float = Field(180.0, description="Seconds for one call altogether.")
    max_tokens: int = Field(800, description="Longest answer of the model, in tokens.")
    context_tokens: int = Field(8_000, description="Room for the prompt, in tokens; passages are left out, worst first, to fit.")
    temperature: float = Field(0.1, description="Sampling temperature.")
    translate: bool = Field(False, description="Search with a translation of the question too, made by the model.")
    judge: str = Field(
        "", description="A second opinion on each sentence: `llm`, or module:function of (premise, hypothesis) → probability of entailment."
    )
    judge_threshold: float = Field(0.5, ge=0, le=1, description="Least probability of entailment at which a sentence is shown.")
    options: dict[str, Any] = Field(default_factory=dict, description="Further arguments for the LLM's class.")


class RetrievalSettings(_Group):
    """How passages are found."""

    candidates: int = Field(100, description="Passages per leg that are scored exactly.")
    exact_up_to: int = Field(
        30_000, ge=0, description="Up to this many passages in a segment, a question is compared with every vector; above, Chroma is asked."
    )
    dense_weight: float = Field(
        1.5,
        description="What the nearest passage is worth, in logits of the reranking; the embedded multilingual model has its own weights.",
    )
    passage_chars_zh: int = Field(320, description="Target size of a Chinese passage, in characters.")
    passage_chars_en: int = Field(900, description="Target size of an English passage, in characters.")


class AnswerSettings(_Group):
    """How answers are made."""

    max_chars: int = Field(300, description="Longest extractive answer, in characters.")
    max_sentences: int = Field(3, description="Most sentences of an extractive answer.")
    refusal_threshold: float = Field(0.5, description="Answer only at this estimated probability or above (0 to 1).")


class ServiceSettings(_Group):
    """The HTTP service."""

    host: str = Field("127.0.0.1", description="Address to bind. Beyond loopback a key is required.")
    port: int = Field(8000, ge=0, le=MAX_PORT, description="Port.")
    allowed_hosts: list[str] = Field(
        default_factory=lambda: ["127.0.0.1", "localhost", "[::1]", "testserver"],
        description='Host names the service answers to, without port; `["*"]` is any.',
    )
    max_body_bytes: int = Field(52_000_000, description="Largest request body.")
    body_timeout_s: float = Field(120.0, description="Longest time for a request's body to arrive whole.")
    max_concurrency: int = Field(64, description="Requests answered at a time; one more gets 429.")
    rate_per_minute: int = Field(600, description="Requests a minute for one key or address; 0 is no limit.")
    read_only: bool = Field(False, description="Take no uploads and no deletions over HTTP.")
    shutdown_s: float = Field(5.0, description="Seconds that a stop may take.")
    log_format: Literal["auto", "json", "plain"] = Field("auto", description="`auto` is plain on a terminal and JSON elsewhere.")
    otel_endpoint: str = Field(
        "", description="Collector for OpenTelemetry spans (OTLP over gRPC), as `http://127.0.0.1:4317`; empty sends none."
    )
    log_content: bool = Field(False, description="Write question text into the log.")


class Settings(BaseSettings):
    """All settings; ``load_settings`` is the way to get one."""

    model_config = SettingsConfigDict(env_prefix="WENJU_", env_nested_delimiter="__", frozen=True, extra="forbid", toml_file="wenju.toml")

    data_dir: Path = Field(Path("data"), description="Where the knowledge base lies.")
    api_keys: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list, description="Keys of the service: one, several with commas, or a JSON list."
    )
    lexicon_shipped: bool = Field(True, description="Use the concepts that come with Wenju; off leaves those of `lexicon_dirs` alone.")
    lexicon_dirs: Annotated[list[Path], NoDecode] = Field(
        default_factory=list, description="Folders with further lexicon files, with commas or as a JSON list."
    )
    read: ReadSettings = ReadSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    vector: VectorSettings = VectorSettings()
    llm: LlmSettings = LlmSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    answer: AnswerSettings = AnswerSettings()
    service: ServiceSettings = ServiceSettings()

    @field_validator("api_keys", "lexicon_dirs", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return json.loads(value)
        return [part.strip() for part in value.split(",") if part.strip()]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order of precedence."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


# Read elsewhere than in Settings.
_OTHER_VARIABLES = frozenset({"WENJU_PDF_PASSWORD", "WENJU_CRASH_AT", "WENJU_LOG_LEVEL"})


def _names(model: type[BaseModel], prefix: str = "") -> dict[str, tuple[type[BaseModel], str]]:
    out: dict[str, tuple[type[BaseModel], str]] = {}
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, _Group):
            out |= _names(kind, f"{prefix}{name}.")
        else:
            out[prefix + name] = (model, name)
    return out


def _variable(name: str) -> str:
    return "WENJU_" + name.replace(".", "__").upper()


def _suggestion(variable: str) -> str:
    """Return which setting a misspelt variable may have meant; where only its group is known, which ones there are."""
    names = {name: _variable(name) for name in _names(Settings)}
    group, _, rest = variable.removeprefix("WENJU_").lower().partition("__")
    own = {name.removeprefix(f"{group}."): variable for name, variable in names.items() if name.startswith(f"{group}.")}
    if own:
        near = difflib.get_close_matches(rest, own, 1)
        return f"Did you mean {own[near[0]]}? " if near else f"There are {', '.join(own.values())}. "
    # Without the part that all of them share, which makes everything look alike.
    ends = {variable.removeprefix("WENJU_"): variable for variable in (*names.values(), *_OTHER_VARIABLES)}
    near = difflib.get_close_matches(variable.removeprefix("WENJU_"), ends, 1, 0.7)
    return f"Did you mean {ends[near[0]]}? " if near else ""


def _check_environment() -> None:
    """Raise for a WENJU_* variable that sets nothing: a misspelt limit must not be a limit that is silently not there."""
    known = {_variable(name) for name in _names(Settings)} | {_variable(name) for name in Settings.model_fields} | _OTHER_VARIABLES
    groups = {_variable(name) + "__OPTIONS__" for name in ("embedding", "llm")}
    for variable in os.environ:
        upper = variable.upper()
        if not upper.startswith("WENJU_") or upper in known or any(upper.startswith(group) for group in groups):
            continue
        raise SettingsError(
            f"the environment sets {variable}, which is no setting", hint=f"{_suggestion(upper)}`wenju config show` lists every setting."
        )


def load_settings(**flags: Any) -> Settings:
    """Return the settings that hold now.

    Args:
        flags: Values given on the command line; they win over all else.

    Raises:
        SettingsError: A key is unknown or a value malformed; the message names each one, never a secret's value.
    """
    _check_environment()
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    except (ValueError, OSError) as error:
        # pydantic-settings and tomllib wrap what they cannot parse; the cause says where.
        faults = str(error.__cause__ or error)
    raise SettingsError(
        f"the settings cannot be used: {faults}",
        hint="Correct WENJU_* in the environment or wenju.toml; `wenju config show` lists every setting.",
    )


def describe_settings(settings: Settings) -> list[dict[str, Any]]:
    """Return every setting with its value, where it comes from (``default``, ``file`` or ``environment``) and what it means."""
    filed: dict[str, Any] = {}
    path = Path("wenju.toml")
    if path.exists():
        filed = tomllib.loads(path.read_text("utf-8"))
    rows = []
    present = {name.upper() for name in os.environ}
    for name, (model, field) in _names(Settings).items():
        value: Any = settings
        kept: Any = filed
        for part in name.split("."):
            value = getattr(value, part)
            kept = kept.get(part) if isinstance(kept, dict) else None
        if isinstance(value, SecretStr):
            value = "(set)" if value.get_secret_value() else ""
        elif isinstance(value, list) and value and isinstance(value[0], SecretStr):
            value = f"({len(value)} set)"
        source = "environment" if _variable(name) in present else "file" if kept is not None else "default"
        description = model.model_fields[field].description or ""
        rows.append({"name": name, "variable": _variable(name), "value": value, "source": source, "description": description})
    return rows
