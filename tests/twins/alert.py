"""The state machine of alerts, slow and obvious: one instance, its holds counted as they grow."""

from dataclasses import dataclass

INACTIVE, PENDING, FIRING = "inactive", "pending", "firing"


@dataclass
class Alert:
    """One instance: how long its condition has held, and has been gone, as far as is known."""

    for_us: int
    keep_us: int
    state: str = INACTIVE
    held_us: int = 0
    gone_us: int | None = None
    last_us: int | None = None

    def evaluate(self, now_us: int, met: int, clear: int) -> str:
        """Return "fired", "resolved" or ""."""
        if self.last_us is not None and now_us < self.last_us:
            return ""
        passed = 0 if self.last_us is None else now_us - self.last_us
        self.last_us = now_us
        if self.state == FIRING:
            return self._while_firing(passed, met, clear)
        if met == 0:
            self.state = INACTIVE
        if met != 1:
            return ""
        if self.state == INACTIVE:
            self.state, self.held_us = PENDING, 0
        else:
            self.held_us += passed
        if self.held_us < self.for_us:
            return ""
        self.state, self.gone_us = FIRING, None
        return "fired"

    def _while_firing(self, passed: int, met: int, clear: int) -> str:
        if met == 1 or (met == 0 and clear == 0):
            self.gone_us = None
        elif met == 0 and clear == 1:
            self.gone_us = 0 if self.gone_us is None else self.gone_us + passed
            if self.gone_us >= self.keep_us:
                self.state = INACTIVE
                return "resolved"
        return ""
