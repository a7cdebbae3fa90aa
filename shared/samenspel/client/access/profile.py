"""The profile: a folder with the addresses of a system and credentials.

``system.json`` has the addresses, ``organisations/<oin>.json`` the credential of one organisation, ``admin.json`` the
Kafka credential of the operator.
"""

import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import samenspel
from samenspel.client.access.private_files import write_private
from samenspel.contracts.topics import Service

FOLDER: Final = Path(".samenspel") / "profile"
CHECKOUT: Final = Path(samenspel.__file__).parents[2]
ModelT = TypeVar("ModelT", bound=BaseModel)


class ProfileError(LookupError):
    """The profile, or an entry of the profile, is missing or invalid. The text names the remedy."""


class KafkaAccess(BaseModel):
    model_config = ConfigDict(frozen=True)

    bootstrap: str = Field(pattern=r"^[!-+\--~]+:[0-9]{1,5}(,[!-+\--~]+:[0-9]{1,5})*$")
    security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"]
    sasl_mechanism: Literal["SCRAM-SHA-512"] = "SCRAM-SHA-512"
    ca_file: Path | None = None
    """Certificate authorities trusted for SASL_SSL; None: those of the operating system."""


class System(BaseModel):
    """Addresses of a running system: Kafka, and the base URL of the HTTP API per service."""

    model_config = ConfigDict(frozen=True)

    kafka: KafkaAccess
    http: dict[Service, Annotated[str, Field(pattern=r"^https?://[!-~]+$")]]

    def url(self, service: Service) -> str:
        """Base URL of the service. Raises ProfileError when the profile has none."""
        if service not in self.http:
            raise ProfileError(f"system.json of your profile has no address of the {service}: ask the operator")
        return self.http[service]


class AdminCredential(BaseModel):
    model_config = ConfigDict(frozen=True)

    username: str = Field(min_length=1)
    password: str = Field(min_length=1, repr=False)


class Credential(BaseModel):
    """Credential of an organisation: Kafka user with password, and bearer token."""

    model_config = ConfigDict(frozen=True)

    name: str
    oin: str = Field(pattern=r"^\d{20}$")
    username: str = Field(min_length=1)
    password: str = Field(min_length=1, repr=False)
    token: str = Field(pattern=r"^[!-~]+$", repr=False)
    """In ASCII without blanks: a line break would begin another header."""


class Profile:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def find(cls) -> Self:
        """The profile of this user.

        ``SAMENSPEL_PROFILE``, else ``SAMENSPEL_HOME/profile``, else the nearest ``.samenspel/profile`` in the current
        folder or a parent, else ``.samenspel/profile`` in the checkout. Raises ProfileError when no profile exists,
        and for a profile of another user that no variable names: its addresses would receive what this user sends.
        """
        for folder, is_named in _candidates():
            if (folder / "system.json").exists():
                if not is_named:
                    _require_own(folder)
                return cls(folder)
        raise ProfileError(
            "no profile found: create one with `samenspel up`, or set SAMENSPEL_PROFILE to the folder of your profile"
        )

    @property
    def issuer_folder(self) -> Path:
        """Folder of the local token issuer's key; only an operator's profile has the key."""
        return self.folder / "issuer"

    def system(self) -> System:
        return _read(System, self.folder / "system.json")

    def admin(self) -> AdminCredential:
        """Kafka credential of the operator. Raises ProfileError in the profile of another user."""
        return _read(AdminCredential, self.folder / "admin.json")

    def credentials(self) -> list[Credential]:
        """All credentials, ordered by name."""
        files = (self.folder / "organisations").glob("*.json")
        return sorted((_read(Credential, file) for file in files), key=lambda each: (each.name, each.oin))

    def credential(self, name_or_oin: str) -> Credential:
        """Credential of the organisation with this OIN or name; case is ignored. Raises ProfileError."""
        known = self.credentials()
        wanted = _comparable(name_or_oin)
        found = [each for each in known if wanted in (each.oin, _comparable(each.name))]
        if len(found) > 1:
            oins = ", ".join(each.oin for each in found)
            raise ProfileError(f"several organisations have the name '{name_or_oin}': name one by its OIN, {oins}")
        if found:
            return found[0]
        names = ", ".join(f"{each.name} ({each.oin})" for each in known) or "none"
        raise ProfileError(f"no credential for '{name_or_oin}' in {self.folder}; known organisations: {names}")

    def any_credential(self) -> Credential:
        """The first credential, for reading data that every organisation may read. Raises ProfileError."""
        for each in self.credentials():
            return each
        raise ProfileError(f"{self.folder} has no credential: `samenspel up` creates the credential of the operator")

    def save(self, credential: Credential) -> None:
        _write(credential, self.folder / "organisations" / f"{credential.oin}.json")

    def save_system(self, system: System) -> None:
        _write(system, self.folder / "system.json")

    def save_admin(self, admin: AdminCredential) -> None:
        _write(admin, self.folder / "admin.json")


def _candidates() -> Iterator[tuple[Path, bool]]:
    """Folders to look in, each with whether a variable names the folder, or the installed program lies beside it."""
    if profile := os.environ.get("SAMENSPEL_PROFILE"):
        yield Path(profile), True
    elif home := os.environ.get("SAMENSPEL_HOME"):
        yield Path(home) / "profile", True
    else:
        with suppress(FileNotFoundError):  # the current folder may have been removed
            here = Path.cwd()
            yield from ((folder / FOLDER, folder == CHECKOUT) for folder in (here, *here.parents))
        yield CHECKOUT / FOLDER, True


def _require_own(folder: Path) -> None:
    """Raise ProfileError unless this user owns the folder, and not everybody may write there.

    git has the same rule for a repository (CVE-2022-24765).
    """
    for path in (folder.parent, folder, folder / "system.json"):
        found = path.stat()
        if found.st_uid != os.getuid() or found.st_mode & stat.S_IWOTH:
            raise ProfileError(
                f"{folder} belongs to another user, or everybody may write there: "
                f"set SAMENSPEL_PROFILE={folder} to use it all the same"
            )


def _comparable(name: str) -> str:
    """A name for comparison: case is ignored, and a composed character equals a decomposed one (Unicode NFC)."""
    return unicodedata.normalize("NFC", name).casefold()


def _read(model: type[ModelT], file: Path) -> ModelT:
    try:
        return model.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise ProfileError(f"{file} does not exist: `samenspel up` creates it for a local system") from None
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors())
        raise ProfileError(f"{file} is invalid; correct these fields: {fields}") from None


def _write(model: BaseModel, file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(file, model.model_dump_json(indent=2) + "\n")
