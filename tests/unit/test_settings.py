"""Settings: what is misspelt is refused, what is secret is not shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest.kb.errors import SettingsError
from ingest.kb.settings import Settings, describe_settings, load_settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder and no WENJU_* variable."""
    import os

    for name in list(os.environ):
        if name.upper().startswith("WENJU_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _toml(text: str) -> None:
    Path("wenju.toml").write_text(text, "utf-8")


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert settings.data_dir == Path("data")
    assert settings.service.host == "127.0.0.1"
    assert settings.api_keys == []
    assert settings.llm.base_url == ""


def test_flags_win_over_environment_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    _toml('data_dir = "filed"\n[service]\nport = 1111\n[answer]\nmax_sentences = 1\n')
    assert load_settings().data_dir == Path("filed")
    monkeypatch.setenv("WENJU_DATA_DIR", "from-environment")
    monkeypatch.setenv("WENJU_SERVICE__PORT", "2222")
    settings = load_settings()
    assert (settings.data_dir, settings.service.port, settings.answer.max_sentences) == (Path("from-environment"), 2222, 1)
    assert load_settings(data_dir=Path("flagged")).data_dir == Path("flagged")
    assert load_settings(data_dir=None).data_dir == Path("from-environment")


def test_an_unknown_key_in_the_file_is_named() -> None:
    _toml("[service]\nprot = 8000\n")
    with pytest.raises(SettingsError, match=r"service\.prot") as caught:
        load_settings()
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("text", ["data_dir = ", "[service\n", 'data_dir = "a"\ndata_dir = "b"\n'])
def test_a_broken_file_is_refused(text: str) -> None:
    _toml(text)
    with pytest.raises(SettingsError):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("WENJU_SERVICE__PROT", "WENJU_SERVICE__PORT"),
        ("WENJU_DATADIR", "WENJU_DATA_DIR"),
        ("WENJU_API_KEY", "WENJU_API_KEYS"),
        ("WENJU_LLM__BASEURL", "WENJU_LLM__BASE_URL"),
        ("WENJU_READ__MAX_BYTE", "WENJU_READ__MAX_BYTES"),
        ("WENJU_RETRIEVAL__PASSAGE_CHAR_ZH", "WENJU_RETRIEVAL__PASSAGE_CHARS_ZH"),
        ("WENJU_SERVCE__PORT", "WENJU_SERVICE__PORT"),
        ("WENJU_LLM_MODEL", "WENJU_LLM__MODEL"),
        ("wenju_service__prot", "WENJU_SERVICE__PORT"),
    ],
)
def test_a_misspelt_variable_suggests_the_near_one(monkeypatch: pytest.MonkeyPatch, variable: str, near: str) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(SettingsError, match=variable) as caught:
        load_settings()
    assert f"Did you mean {near}?" in caught.value.hint


def test_a_variable_like_none_of_its_group_is_told_which_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_RETRIEVAL__TOPK", "3")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "Did you mean" not in caught.value.hint
    assert "There are WENJU_RETRIEVAL__CANDIDATES, WENJU_RETRIEVAL__EXACT_UP_TO, " in caught.value.hint


@pytest.mark.parametrize("variable", ["WENJU_QQQQQQQQ", "WENJU_FOO", "WENJU_X", "WENJU_FOO__BAR"])
def test_a_variable_like_nothing_is_refused_without_a_guess(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "Did you mean" not in caught.value.hint


def test_other_programs_variables_are_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJUAN_TOKEN", "1")
    monkeypatch.setenv("WENJU_PDF_PASSWORD", "open")
    monkeypatch.setenv("WENJU_LLM__OPTIONS__TIMEOUT", "3")
    load_settings()


@pytest.mark.parametrize(
    ("value", "keys"),
    [("one", ["one"]), ("one,two", ["one", "two"]), (" one , two ,", ["one", "two"]), ('["one", "t,wo"]', ["one", "t,wo"]), ("", [])],
)
def test_forms_of_api_keys(monkeypatch: pytest.MonkeyPatch, value: str, keys: list[str]) -> None:
    monkeypatch.setenv("WENJU_API_KEYS", value)
    assert [key.get_secret_value() for key in load_settings().api_keys] == keys


def test_keys_from_the_file() -> None:
    _toml('api_keys = ["one", "two"]\nlexicon_dirs = ["a", "b"]\n')
    settings = load_settings()
    assert [key.get_secret_value() for key in settings.api_keys] == ["one", "two"]
    assert settings.lexicon_dirs == [Path("a"), Path("b")]


@pytest.mark.parametrize("value", ['["sk-secret', "[1, {}]"])
def test_a_malformed_list_of_keys_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WENJU_API_KEYS", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "sk-secret" not in caught.value.message


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_API_KEYS", "sk-alpha,sk-beta")
    monkeypatch.setenv("WENJU_LLM__API_KEY", "sk-gamma")
    monkeypatch.setenv("WENJU_EMBEDDING__API_KEY", "sk-delta")
    settings = load_settings()
    rows = describe_settings(settings)
    for text in (repr(settings), str(settings), str(rows), settings.model_dump_json()):
        assert "sk-" not in text
    shown = {row["name"]: row["value"] for row in rows}
    assert (shown["api_keys"], shown["llm.api_key"]) == ("(2 set)", "(set)")


def test_an_error_does_not_repeat_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_SERVICE__PORT", "sk-pasted-here")
    with pytest.raises(SettingsError, match=r"service\.port") as caught:
        load_settings()
    assert "sk-pasted" not in caught.value.message


def test_each_setting_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    _toml("[answer]\nmax_chars = 200\n")
    monkeypatch.setenv("WENJU_READ__WORKERS", "1")
    rows = {row["name"]: row for row in describe_settings(load_settings())}
    assert (rows["answer.max_chars"]["source"], rows["answer.max_chars"]["value"]) == ("file", 200)
    assert (rows["read.workers"]["source"], rows["read.workers"]["value"]) == ("environment", 1)
    assert rows["service.port"]["source"] == "default"
    assert rows["service.port"]["variable"] == "WENJU_SERVICE__PORT"


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.data_dir = Path("other")  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.answer.max_chars = 1  # type: ignore[misc]


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("WENJU_SERVICE__PORT", port)
    with pytest.raises(SettingsError, match=r"service\.port") as caught:
        load_settings()
    assert caught.value.exit_code == 4


def test_every_setting_says_what_it_means() -> None:
    assert [row["name"] for row in describe_settings(Settings()) if not row["description"]] == []
