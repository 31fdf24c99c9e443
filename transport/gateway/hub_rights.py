"""Who may follow which feed, by the write model: as it is now, not as a read model remembers it."""

from uuid import UUID

from commands.identities import Identity
from commands.states import States
from domain.analysis import Analysis, UnknownAnalysis
from domain.core import Refused
from domain.project import Project, UnknownProject


class UnknownFeed(Refused):
    """There is no such feed, or it is not yours."""

    code = "feed.unknown"
    kind = "unknown"


async def check_follower(states: States, feed: str, identity: Identity) -> None:
    """Let an account follow a feed, or refuse it.

    Members follow their project, administrators every one; an account follows its own feed, and those of the analyses
    that it is attached to. Raises `UnknownFeed`, or `UnknownProject` and `UnknownAnalysis` also for what is none of
    the account's business.
    """
    kind, named = _parts(feed)
    match kind:
        case "project":
            project: Project = (await states.get(feed, fresh=True)).state
            if not project.exists or not (identity.admin or identity.account_id in project.members):
                raise UnknownProject
        case "account" if named == identity.account_id:
            return
        case "analysis":
            await claimed(states, named, identity)
        case _:
            raise UnknownFeed


async def claimed(states: States, analysis_id: UUID, identity: Identity) -> Analysis:
    """Give an analysis that an account is attached to; an administrator, any. Raises `UnknownAnalysis`."""
    analysis: Analysis = (await states.get(f"analysis:{analysis_id}", fresh=True)).state
    if analysis.kind is None or not (identity.admin or identity.account_id in analysis.attached):
        raise UnknownAnalysis
    return analysis


def _parts(feed: str) -> tuple[str, UUID]:
    kind, _, name = feed.partition(":")
    try:
        found = UUID(name)
    except ValueError:
        raise UnknownFeed from None
    if str(found) != name:  # one feed has one name
        raise UnknownFeed
    return kind, found
