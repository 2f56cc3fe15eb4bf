"""What policy says about changes by an actor: lane, approvals, clocks, turn. Pure; governance is that of base."""

from galleryctl.policy.base import Need, Override, Role, Verdict

__all__ = ["Need", "Override", "Role", "Verdict"]
