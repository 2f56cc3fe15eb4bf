"""`doctor`: what a repository's settings have to say before a verdict means anything. Pure: settings in, findings out.

The gate is a status that only the verdict's own app may write. Everything here is a way round that gate, or a way to
find it shut for no reason. https://docs.github.com/en/rest has each setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from galleryctl.reviewing.sweep import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.forge import Settings

_ACTIONS_APP = 15368
"""The app of GitHub Actions: every workflow of the repository writes under it."""
_PROTECTED = "(protected branches)"  # as the forge's settings are read


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked at."""

    state: Literal["well", "ill", "unknown"]
    """`unknown` where the token may not see it."""
    about: str
    found: str
    """What it is, in one sentence."""
    click: str = ""
    """What to do about it."""
    where: str = ""
    """Address of the page with the setting."""


def examine(settings: Settings, repository: str, *, public: bool = True, signed: bool = False) -> tuple[Sign, ...]:
    """Look at all settings. `repository` is the address of the repository's page, `signed` whether there are keys."""
    return (
        *_tokens(settings, f"{repository}/settings/actions"),
        *_gate(settings, f"{repository}/settings/rules"),
        *_people(settings, f"{repository}/settings/access"),
        *_environments(settings, f"{repository}/settings/environments", signed=signed),
        *_pages(settings, f"{repository}/settings/pages"),
        *_privacy(settings, f"{repository}/settings", public=public),
    )


def quorum(admins: int, needed: int, where: str) -> Sign:
    """Whether the rules can be changed by a pull request at all: by its author and enough other admins."""
    are = "1 person" if admins == 1 else f"{admins or 'no'} people"
    more, lower = max(0, needed + 1 - admins), f"write `rules: {{admin_quorum: {admins - 1}}}`"
    return _said(
        "admins",
        known=True,
        well=not more,
        good=f"{are} may change the rules, with {needed} to approve it",
        bad=f"{are} may change the rules, and {needed} beside the author must approve it: no pull request gets there",
        click=f"roles.yaml: grant `govern` to {more} more" + (f", or {lower}" if 1 < admins <= needed else ""),
        where=where,
    )


def _said(about: str, *, known: bool, well: bool, good: str, bad: str, click: str, where: str) -> Sign:
    if not known:
        return Sign("unknown", about, "this token may not see it; ask as an admin of the repository", click, where)
    return Sign("well", about, good) if well else Sign("ill", about, bad, click, where)


def _tokens(settings: Settings, where: str) -> Iterator[Sign]:
    yield _said(
        "token of workflows",
        known=settings.workflow_token is not None,
        well=settings.workflow_token == "read",  # noqa: S105 - a right, no secret
        good="workflows get a token that may only read",
        bad="every workflow gets a token that may write",
        click="Workflow permissions: choose “Read repository contents and packages permissions”",
        where=where,
    )
    yield _said(
        "approval by workflows",
        known=settings.workflows_approve is not None,
        well=settings.workflows_approve is False,
        good="workflows approve nothing",
        bad="a workflow may approve pull requests",
        click="Workflow permissions: clear “Allow GitHub Actions to create and approve pull requests”",
        where=where,
    )
    yield _said(
        "workflows of strangers",
        known=settings.first_timers is not None,
        well=settings.first_timers in {"first_time_contributors", "all_external_contributors"},
        good="the workflows of first-time contributors wait for somebody",
        bad="workflows of nearly everybody run unasked",
        click="Approval for running fork pull request workflows: require it for first-time contributors",
        where=where,
    )


def _gate(settings: Settings, where: str) -> Iterator[Sign]:
    known = settings.rules is not None
    rules: dict[str, Mapping[str, Any]] = {}
    for rule in settings.rules or ():
        parameters = rule.get("parameters")
        rules[str(rule.get("type"))] = parameters if isinstance(parameters, dict) else {}
    branch = settings.default_branch
    yield _said(
        "pull requests only",
        known=known,
        well="pull_request" in rules,
        good=f"{branch} changes by pull requests only",
        bad=f"anybody with write access may push to {branch}",
        click=f"New ruleset for {branch}: tick “Require a pull request before merging”",
        where=where,
    )
    statuses = rules.get("required_status_checks", {})
    gate = next((each for each in _checks(statuses) if each.get("context") == CONTEXT), None)
    yield _said(
        "the gate",
        known=known,
        well=gate is not None,
        good=f"{CONTEXT} has to be there before a merge",
        bad=f"a merge needs no {CONTEXT}",
        click=f"Ruleset: tick “Require status checks to pass” and add {CONTEXT}",
        where=where,
    )
    if gate is not None:
        writer = gate.get("integration_id")
        yield _said(
            "who opens the gate",
            known=True,
            well=isinstance(writer, int) and writer != _ACTIONS_APP,
            good=f"only one app may write {CONTEXT}",
            bad="anybody with write access may write that status from a workflow of their own",
            click=f"Ruleset: choose the verdict app as the source of {CONTEXT}, then try it with another account",
            where=where,
        )
    yield _said(
        "merged as judged",
        known=known,
        well="merge_queue" in rules or statuses.get("strict_required_status_checks_policy") is True,
        good="what is merged was judged together with what was merged before",
        bad="two pull requests that are fine apart may be merged one after the other",
        click="Ruleset: require a merge queue, or tick “Require branches to be up to date before merging”",
        where=where,
    )
    yield _said(
        "history",
        known=known,
        well="non_fast_forward" in rules and "deletion" in rules,
        good=f"{branch} can be neither rewritten nor deleted",
        bad=f"{branch} can be rewritten or deleted, and with it who did what",
        click="Ruleset: tick “Restrict deletions” and “Block force pushes”",
        where=where,
    )


def _checks(parameters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = parameters.get("required_status_checks")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _people(settings: Settings, where: str) -> Iterator[Sign]:
    writers = settings.writers or ()
    yield _said(
        "who may write",
        known=settings.writers is not None,
        well=not writers,
        good="only admins have write access; rights come from roles.yaml",
        bad=f"{', '.join(writers[:5])} may write" + (f", and {len(writers) - 5} more" if len(writers) > 5 else ""),  # noqa: PLR2004
        click="take write access away: owners, reviewers and stewards need none",
        where=where,
    )


def _environments(settings: Settings, where: str, *, signed: bool) -> Iterator[Sign]:
    wanted = [("verdict", True), ("github-pages", True), ("merge", False), *([("signing", True)] if signed else [])]
    for name, needed in wanted:
        known = settings.environments is not None
        branches = (settings.environments or {}).get(name)
        if known and branches is None and not needed:
            yield Sign("well", f"environment {name}", "not there: nothing is merged automatically")
            continue
        bad = "it does not exist" if branches is None else "any branch may use its secrets"
        yield _said(
            f"environment {name}",
            known=known,
            well=branches is not None and set(branches) in ({settings.default_branch}, {_PROTECTED}),
            good=f"its secrets are for {settings.default_branch} alone",
            bad=bad,
            click=f"Environment {name}: “Selected branches and tags”, only {settings.default_branch}",
            where=where,
        )


def _pages(settings: Settings, where: str) -> Iterator[Sign]:
    yield _said(
        "pages",
        known=settings.pages is not None,
        well=settings.pages == "workflow",
        good="the workflow publishes",
        bad="pages are not published by a workflow" if settings.pages else "there are no pages",
        click="Build and deployment: choose “GitHub Actions” (or publish elsewhere, and ignore this)",
        where=where,
    )


def _privacy(settings: Settings, where: str, *, public: bool) -> Iterator[Sign]:
    said, is_ = "public" if public else "private", "private" if settings.private else "public"
    yield _said(
        "privacy",
        known=True,
        well=said == is_,
        good=f"the repository is {is_}, as policy.yaml says",
        bad=f"the repository is {is_}, and policy.yaml says {said}",
        click=f"correct `repository: {said}` in policy.yaml, or the visibility of the repository",
        where=where,
    )
