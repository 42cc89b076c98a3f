"""What a service answers when it cannot do what was asked: one text in each language."""

from typing import ClassVar

from compute.errors import NengtanError


class Refusal(NengtanError):
    """A request that cannot be met as it stands; both texts are for the one who asked.

    Attributes
    ----------
    code : str
        Stable name of the kind of refusal.
    zh : str
        The message in Chinese; `str(error)` is the English one.
    pointer : str or None
        The field of the request that is at fault.
    """

    code: ClassVar[str] = "invalid"

    def __init__(self, message: str, zh: str, *, pointer: str | None = None) -> None:
        super().__init__(message)
        self.zh = zh
        self.pointer = pointer


class ChangedMeanwhile(Refusal):
    """What was changed is not what the change was made from."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__(
            "it was changed since you read it: read it again, and change that",
            "数据在您读取之后已被修改：请重新读取后再改",
            pointer="If-Match",
        )


class NotFound(Refusal):
    """Nothing of that name is visible to the one who asked.

    The text never says whether another tenant has it.
    """

    code = "not_found"

    def __init__(self, pointer: str) -> None:
        super().__init__(
            f"no such {pointer}: check the code, and that your account belongs to its tenant",
            f"没有这个 {pointer}：请核对编码，并确认账号属于其租户",
            pointer=pointer,
        )
