"""Settings from the environment and the school's file, read once at start."""

from __future__ import annotations

import tomllib
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError
from bot.school import School

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE_SCHOOL = ROOT / "school.example.toml"


class Settings(BaseSettings):
    """What the environment says; each name is prefixed with CHARTER_."""

    model_config = SettingsConfigDict(env_prefix="CHARTER_", frozen=True)

    school: Path = EXAMPLE_SCHOOL
    database_url: str = f"sqlite+aiosqlite:///{ROOT / 'var' / 'preview.sqlite3'}"
    secret_keys: SecretStr | None = None
    guidance_document: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    var: Path = ROOT / "var"


def load_settings() -> Settings:
    """Read the environment. Raises SettingsError naming each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_told(error, "CHARTER_")) from error


def load_school(path: Path) -> School:
    """Read a school's file. Raises SettingsError naming the file and the key."""
    try:
        with path.open("rb") as file:
            return School.model_validate(tomllib.load(file))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    except ValidationError as error:
        raise SettingsError(f"{path}: {_told(error)}") from error


def secret_keys(settings: Settings) -> list[bytes]:
    """The keys that seal what is stored, newest first.

    Without CHARTER_SECRET_KEYS a key is made once in the `var` folder, readable by its owner alone: good enough to try
    Charter, not to run it, because it lies beside what it seals.
    """
    if settings.secret_keys is not None:
        return [key.strip().encode() for key in settings.secret_keys.get_secret_value().split(",") if key.strip()]
    path = settings.var / "preview.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(Fernet.generate_key())
    return [path.read_bytes()]


def _told(error: ValidationError, prefix: str = "") -> str:
    """The errors in one line, without the values: a value may be a secret."""
    parts = [(".".join(str(part) for part in item["loc"]), item["msg"]) for item in error.errors()]
    return "; ".join(f"{prefix}{where.upper() if prefix else where}: {what}".lstrip(": ") for where, what in parts)
