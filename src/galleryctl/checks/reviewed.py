"""Rules that only a review can judge: they need to know who proposes, who pushed and who approved.

`policy` finds what they say. None of them fails a local check: what is missing keeps a verdict pending, and what does
not count is told and not counted. Only a missing sign-off is the author's to mend.
"""

from __future__ import annotations

from galleryctl.checks.rule import Rule, rule
from galleryctl.problems import Severity

_OWN001 = """\
A model is changed by somebody who does not own it, and no owner approved.

Owners are the people of `owner` grants and the maintainers of the publisher and the model, as they stand in the base
branch: who makes himself an owner in the same pull request is none yet. Anybody may propose; nothing is done to a model
that none of its owners wanted. `galleryctl owners` prints them.

Bad:

```text
pull request of zoe: registry/models/llm/acme/tiny/model.yaml
approvals: none
```

Good:

```text
pull request of zoe: registry/models/llm/acme/tiny/model.yaml
approvals: ada (maintains publisher acme)
```
"""

_OWN002 = """\
An approval does not count.

An approval is about what somebody saw, so it counts only at the newest commit. It has to come from somebody else than
the author and whoever pushed last, from a person and not a program, and from an account that `roles.yaml` of the base
branch knows by its number. Labels, titles and branches approve nothing.

Bad:

```text
head 4f2a9c1 · approved by ada at 09d1e77 · approved by acme-releases[bot] at 4f2a9c1
```

Good:

```text
head 4f2a9c1 · approved by ada at 4f2a9c1
```
"""

_OWN003 = """\
A new maintainer has not agreed.

A maintainer answers for a model: approves its changes and gets its questions. Nobody is made one unasked. A comment or
an approval of that person on the pull request is enough; who proposes to become one has agreed by that. Programs and
people who own the publisher already are not asked.

Bad:

```yaml
# publishers/acme.yaml, and dora said nothing
title: Acme
maintainers: [ada, dora]
```

Good:

```text
dora: I agree to maintain acme.
```
"""

_OWN006 = """\
Something is done that nobody who approved may approve.

Every change is one action, `new`, `edit`, `release`, `expire`, `widen`, `remove` and so on, at the visibility and the
edition of the model. `roles.yaml` of the base branch says who holds which action where; a grant may be limited to
actions, visibilities, types and editions. `galleryctl owners acme/tiny --action widen` prints who may, and why.

Bad:

```text
acme/tiny: visibility restricted → public
approvals: bob (role reviewer: new, edit, release)
```

Good:

```text
acme/tiny: visibility restricted → public
approvals: bob, eve (role clearance: widen)
```
"""

_GOV005 = """\
Governance is changed without enough admins.

Whoever can change roles, policy, settings, licences, schemas, templates, workflows or the program can change everything
else after it. So `admin_quorum` people who hold `govern` approve it, none of them its author, and no lane merges it by
itself. To add a person who gets no group and no grant, one admin is enough.

Bad:

```yaml
# roles.yaml, approved by ada alone
rules: {admin_quorum: 1}
```

Good:

```yaml
# roles.yaml, approved by ada and chen
rules: {admin_quorum: 1}
```
"""

_GOV007 = """\
A rule is not set aside by a line that asks for it.

Some rules may be set aside where there is a reason: by a line `override CODE: reason` in an approving review, at the
newest commit, of somebody who holds `override` there. It is shown in the comment and stays in the history. Rules that
are fixed protect other publishers and readers; nobody sets them aside.

Bad:

```text
zoe (no grant), in a comment: override VER003: we need it
```

Good:

```text
chen (role steward), approving the newest commit: override VER003: a back-port for those on 1.x
```
"""

_PRQ003 = """\
A commit is not signed off, and policy asks for that.

With a line `Signed-off-by: Name <address>` an author certifies to have the right to submit the work. With `sign_off`
in `policy.yaml` every commit of a pull request needs the line of its own author or committer; merges do not.

Bad:

```text
Add acme/tiny 1.1.0
```

Good:

```text
Add acme/tiny 1.1.0

Signed-off-by: Ada <ada@acme.example>
```
"""

_VIS006 = """\
A group is smaller, so people lose sight of models.

What was shown to somebody stays shown: an audience only grows. Taking people out of a group narrows every model that
is restricted to it, so it is a back door of VIS001. People do leave, though: a steward approves it, and the models are
named here.

Bad:

```yaml
# roles.yaml: acme/tiny is restricted to partners, and was to [bob, dora]
groups: {partners: [bob]}
```

Good:

```yaml
groups: {partners: [bob, dora]}
```
"""

_LIF006 = """\
Something is removed while services or other models refer to it, and their owners did not agree.

What is removed can be loaded no more, also by exact pin: a service that stops cannot start again. So everybody who
depends on it is asked: the owners of each service in `consumers/` that pins it, and those of each model that was made
from it or names it as successor. `discontinue` keeps pins alive and asks nobody.

Bad:

```yaml
# consumers/chat.yaml pins what is removed; bob did not approve
title: Chat
owners: [bob]
pins: [{model: acme/tiny, version: 1.0.0}]
```

Good:

```text
approvals: ada (owner of acme), chen (steward), bob (owner of service chat)
```
"""

_LIF008 = """\
The highest active release is discontinued.

Everybody who takes the newest release would get an older one from then on. That can be right, and it can be a slip, so
one approval more than usual is asked for. Often a fixed release is the better answer.

Bad:

```yaml
# 2.0.0.yaml, the highest; 1.0.0 is active as well
status: discontinued
reason: Wrong tokenizer.
```

Good:

```yaml
# 1.0.0.yaml; 2.0.0 stays active
status: discontinued
reason: Superseded by 2.0.0.
```
"""

RULES: tuple[Rule, ...] = (
    rule("OWN001", Severity.ERROR, page=_OWN001, fixed=True),
    rule("OWN002", Severity.ERROR, page=_OWN002, fixed=True),
    rule("OWN003", Severity.ERROR, page=_OWN003),
    rule("OWN006", Severity.ERROR, page=_OWN006, fixed=True),
    rule("GOV005", Severity.ERROR, page=_GOV005, fixed=True),
    rule("GOV007", Severity.ERROR, page=_GOV007, fixed=True),
    rule("PRQ003", Severity.ERROR, page=_PRQ003),
    rule("VIS006", Severity.WARN, page=_VIS006),
    rule("LIF006", Severity.ERROR, page=_LIF006),
    rule("LIF008", Severity.WARN, page=_LIF008),
)
