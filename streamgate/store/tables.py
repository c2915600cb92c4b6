"""Every table of the database: whoever needs the whole schema imports it from here."""

from streamgate.store import comment_models, duty_models
from streamgate.store.models import Base

METADATA = Base.metadata
MODULES = (comment_models, duty_models)
"""Modules that add tables to `METADATA` as they are imported."""
