"""The roles there are. Pure; the settings read it, so it loads nothing."""

ROLES = (
    "administrator",
    "director",
    "operator",
    "reviewer",
    "senior-reviewer",
    "chief-reviewer",
    "auditor",
)
PER_CHANNEL = frozenset({"director", "operator", "reviewer", "senior-reviewer", "chief-reviewer"})
