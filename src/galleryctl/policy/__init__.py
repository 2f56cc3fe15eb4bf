"""What policy says about changes by an actor: lane, approvals, clocks, turn. Pure; governance is that of base."""

from galleryctl.policy.base import Need, Override, PassedOver, Role, Verdict
from galleryctl.policy.rights import Right, Rights, Target
from galleryctl.policy.verdict import judge

__all__ = ["Need", "Override", "PassedOver", "Right", "Rights", "Role", "Target", "Verdict", "judge"]
