"""What every answer, and everything recorded, has in common."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Closed: a field that is not here is not sent."""

    model_config = ConfigDict(extra="forbid")


class Recorded(Answer):
    id: UUID
    resident: UUID
    occurred_at: datetime
    recorded_at: datetime
