"""The read models there are: their projections, and the questions that they answer."""

from projections import (
    accounts,
    audit_questions,
    audits,
    differences,
    documents,
    findings,
    history,
    jobs,
    members,
    notifications,
    operations,
    position_details,
    position_questions,
    positions,
    project_questions,
    projects,
    search,
    search_questions,
    versions,
)
from projections.asking import Question
from projections.projection import Projection

ALL: tuple[Projection, ...] = (
    accounts.PROJECTION,
    members.PROJECTION,
    projects.PROJECTION,
    documents.PROJECTION,
    positions.PROJECTION,
    versions.PROJECTION,
    audits.PROJECTION,
    findings.PROJECTION,
    jobs.PROJECTION,
    search.PROJECTION,
    operations.PROJECTION,
    notifications.PROJECTION,
)
QUESTIONS: tuple[Question, ...] = (
    *accounts.QUESTIONS,
    *members.QUESTIONS,
    *project_questions.QUESTIONS,
    *documents.QUESTIONS,
    *position_questions.QUESTIONS,
    *position_details.QUESTIONS,
    *versions.QUESTIONS,
    *differences.QUESTIONS,
    *audit_questions.QUESTIONS,
    *findings.QUESTIONS,
    *jobs.QUESTIONS,
    *operations.QUESTIONS,
    *notifications.QUESTIONS,
    *history.QUESTIONS,
    *search_questions.QUESTIONS,
)
