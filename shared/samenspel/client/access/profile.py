"""The profile: a folder that says where a system is and as whom one may speak to it.

``system.json`` holds the addresses, ``organisations/<oin>.json`` what one organisation needs to come in,
``admin.json`` the operator's own key to Kafka.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import samenspel
from samenspel.client.access.private_files import write_private
from samenspel.contracts.topics import Service

FOLDER: Final = Path(".samenspel") / "profile"
CHECKOUT: Final = Path(samenspel.__file__).parents[2]
ModelT = TypeVar("ModelT", bound=BaseModel)


class ProfileError(LookupError):
    """What was asked for is not in the profile; the text says what is, or how to get one."""


class KafkaAccess(BaseModel):
    model_config = ConfigDict(frozen=True)

    bootstrap: str
    security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"]
    sasl_mechanism: Literal["SCRAM-SHA-512"] = "SCRAM-SHA-512"
    ca_file: Path | None = None
    """Who may vouch for the brokers under SASL_SSL; none: whom the machine trusts."""


class System(BaseModel):
    """Where a running system is reached: Kafka, and per service the base URL of its HTTP door."""

    model_config = ConfigDict(frozen=True)

    kafka: KafkaAccess
    http: dict[Service, str]


class AdminCredential(BaseModel):
    model_config = ConfigDict(frozen=True)

    username: str
    password: str = Field(repr=False)


class Credential(BaseModel):
    """As whom an organisation comes in: a Kafka user and a bearer token."""

    model_config = ConfigDict(frozen=True)

    name: str
    oin: str = Field(pattern=r"^\d{20}$")
    username: str
    password: str = Field(repr=False)
    token: str = Field(repr=False)


class Profile:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def find(cls) -> Self:
        """The profile this user means.

        ``SAMENSPEL_PROFILE``, else ``SAMENSPEL_HOME``'s, else the nearest ``.samenspel/profile`` above the
        current folder, else the checkout's. Raises ProfileError when there is none.
        """
        for folder in _candidates():
            if (folder / "system.json").exists():
                return cls(folder)
        raise ProfileError(
            "no profile found: `samenspel up` makes one, or name the folder of yours in SAMENSPEL_PROFILE"
        )

    @property
    def issuer_folder(self) -> Path:
        """Where a local token issuer keeps its key, for those who may admit organisations."""
        return self.folder / "issuer"

    def system(self) -> System:
        return _read(System, self.folder / "system.json")

    def admin(self) -> AdminCredential:
        """The operator's key to Kafka. Raises ProfileError when this profile is not an operator's."""
        return _read(AdminCredential, self.folder / "admin.json")

    def credentials(self) -> list[Credential]:
        """All organisations one may speak as, by name."""
        files = (self.folder / "organisations").glob("*.json")
        return sorted((_read(Credential, file) for file in files), key=lambda one: (one.name, one.oin))

    def credential(self, name_or_oin: str) -> Credential:
        """The organisation of this OIN or name (upper and lower case are one)."""
        known = self.credentials()
        wanted = name_or_oin.casefold()
        for one in known:
            if wanted in (one.oin, one.name.casefold()):
                return one
        names = ", ".join(f"{one.name} ({one.oin})" for one in known) or "nobody"
        raise ProfileError(f"no credential for '{name_or_oin}' in {self.folder}; there is: {names}")

    def any_credential(self) -> Credential:
        """Any organisation one may speak as, to read what all may read. Raises ProfileError when there is none."""
        for one in self.credentials():
            return one
        raise ProfileError(f"{self.folder} holds no credential: `samenspel up` makes the operator's")

    def save(self, credential: Credential) -> None:
        _write(credential, self.folder / "organisations" / f"{credential.oin}.json")

    def save_system(self, system: System) -> None:
        _write(system, self.folder / "system.json")

    def save_admin(self, admin: AdminCredential) -> None:
        _write(admin, self.folder / "admin.json")


def _candidates() -> Iterator[Path]:
    if profile := os.environ.get("SAMENSPEL_PROFILE"):
        yield Path(profile)
    elif home := os.environ.get("SAMENSPEL_HOME"):
        yield Path(home) / "profile"
    else:
        here = Path.cwd()
        yield from (folder / FOLDER for folder in (here, *here.parents))
        yield CHECKOUT / FOLDER


def _read(model: type[ModelT], file: Path) -> ModelT:
    try:
        return model.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise ProfileError(f"{file} is not there: `samenspel up` makes it for a local system") from None
    except ValidationError as error:
        places = ", ".join(".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors())
        raise ProfileError(f"{file} cannot be read; wrong: {places}") from None


def _write(model: BaseModel, file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(file, model.model_dump_json(indent=2) + "\n")
