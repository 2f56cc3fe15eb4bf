"""What a forge recorded about a sample: `pull.json` beside its expected problems."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import checks, policy
from galleryctl.spec.review import Pull

if TYPE_CHECKING:
    from pathlib import Path

    from galleryctl.git import Tree
    from galleryctl.loading.comparing import Compared
    from galleryctl.problems import Problem


class Commit(NamedTuple):
    """One commit of a pull request, as far as sign-offs go."""

    id: str
    merge: bool
    signed_off: bool


@dataclass(frozen=True)
class Recorded:
    """A pull request at one head."""

    pull: Pull
    head: str
    commits: tuple[Commit, ...]

    def judged(self, compared: Compared, tree: Tree) -> tuple[Problem, ...]:
        """All problems of the verdict."""
        governed, documents = compared.comparison.base.context.policy, compared.merged.governance.documents
        return policy.judge(
            compared.comparison,
            compared.problems,
            self.pull,
            head=self.head,
            commits=self.commits,
            place=lambda found: checks.place(found, tree, "registry", documents, governed),
        ).problems


def read(path: Path) -> Recorded | None:
    """`{"head": …, "pull": {…}, "commits": [{"id": …, "merge": false, "signed_off": true}]}`; none without the file."""
    if not path.exists():
        return None
    told = json.loads(path.read_text())
    pull = Pull.model_validate_json(json.dumps(told["pull"]), strict=True, extra="forbid")
    return Recorded(pull, told["head"], tuple(Commit(**each) for each in told.get("commits", ())))
