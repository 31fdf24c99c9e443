"""The read models there are: their projections, and the questions that they answer."""

from projections import accounts, audits, members, position_questions, positions, projects, versions
from projections.asking import Question
from projections.projection import Projection

ALL: tuple[Projection, ...] = (
    members.PROJECTION,
    accounts.PROJECTION,
    projects.PROJECTION,
    positions.PROJECTION,
    versions.PROJECTION,
    audits.PROJECTION,
)
QUESTIONS: tuple[Question, ...] = (
    *members.QUESTIONS,
    *accounts.QUESTIONS,
    *projects.QUESTIONS,
    *versions.QUESTIONS,
    *position_questions.QUESTIONS,
)
