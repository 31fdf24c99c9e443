"""What may go wrong at the command line without being a defect: shown as one sentence, not as a stack."""

from domain.core import Refused
from eventstore import LogUnavailable
from plumbline_client import ClientError
from projections.projection import UnknownProjection
from runtime.database import DatabaseUnavailable
from runtime.migrations import MigrationChanged, MigrationsMissing
from runtime.servers import EmbeddedError
from runtime.settings import SettingsError

EXPECTED = (
    ClientError,
    DatabaseUnavailable,
    EmbeddedError,
    LogUnavailable,
    MigrationChanged,
    MigrationsMissing,
    Refused,
    SettingsError,
    UnknownProjection,
)
