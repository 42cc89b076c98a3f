"""How people write arithmetic: text in, instructions of a stack machine out. Nothing is run.

    sum        = product {("+" | "-") product}
    product    = signed {("*" | "/") signed}
    signed     = ["+" | "-"] signed | operand | call | "(" whole ")"
    call       = ("if" | "min" | "max" | "abs" | "first_known") "(" whole {"," whole} ")"

What an operand is, and what stands alone or in parentheses, is up to the grammar that builds on
this one: formulas of virtual meters, conditions of alert rules. × ÷ − ≤ ≥ ≠ and full-width signs
are taken as what they look like.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from compute.errors import NengtanError
from compute.topology import Operation

TEXT_LENGTH_MAX = 2000
PART_COUNT_MAX = 500
DEPTH_MAX = 32
_SHOWN_MAX = 40

_LOOKS_LIKE = str.maketrans("×·÷−–＋－＊／（）＜＞＝，［］｛｝％“”", '**/--+-*/()<>=,[]{}%""')

COMPARISONS: Mapping[str, Operation] = {
    "<": Operation.LESS,
    "<=": Operation.LESS_OR_EQUAL,
    "≤": Operation.LESS_OR_EQUAL,
    ">": Operation.GREATER,
    ">=": Operation.GREATER_OR_EQUAL,
    "≥": Operation.GREATER_OR_EQUAL,
    "=": Operation.EQUAL,
    "==": Operation.EQUAL,
    "!=": Operation.NOT_EQUAL,
    "≠": Operation.NOT_EQUAL,
}
_SUMS: Mapping[str, Operation] = {"+": Operation.ADD, "-": Operation.SUBTRACT}
_PRODUCTS: Mapping[str, Operation] = {"*": Operation.MULTIPLY, "/": Operation.DIVIDE}


@dataclass(frozen=True, slots=True)
class Function:
    """What a call becomes, and of how many arguments."""

    operation: Operation
    argument_count: int
    takes_more: bool = False  # of two values it makes one, and of that one and a third another


FUNCTIONS: Mapping[str, Function] = {
    "if": Function(Operation.IF, 3),
    "min": Function(Operation.MIN, 2, takes_more=True),
    "max": Function(Operation.MAX, 2, takes_more=True),
    "abs": Function(Operation.ABS, 1),
    "first_known": Function(Operation.FIRST_KNOWN, 2, takes_more=True),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign; `odd` is what is none of the grammar's, `end` what follows all."""

    kind: str
    text: str
    position: int  # of its first character, from 1
    length: int


class FormulaRefused(NengtanError):
    """A text that is no formula. `code` is the finding that says so, with these facts.

    `at` is where it was seen, and `expected` what could have stood there.
    """

    def __init__(
        self,
        code: str,
        at: Token | None = None,
        expected: frozenset[str] = frozenset(),
        /,
        **facts: str | int,
    ) -> None:
        super().__init__(f"{code}: {facts}: correct the formula")
        self.code = code
        self.facts = facts
        self.at = at
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of the stack machine, and where in the text it stands.

    A LOAD names something by its `code`; a CONSTANT has a number, and its unit where the grammar
    has any.
    """

    operation: Operation
    code: str = ""
    number: float = 0.0
    unit: str = ""
    position: int = 0
    length: int = 0


def plainly(text: str) -> str:
    """Return a text of the same length with the signs that others look like."""
    return text.translate(_LOOKS_LIKE)


def tokens_of(text: str, pattern: re.Pattern[str]) -> list[Token]:
    """Return the parts of a text, by a pattern whose groups are the kinds; then an `end`.

    Raises
    ------
    FormulaRefused
        If the text is longer, or has more parts, than a person would write.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise FormulaRefused("formula_long", limit=TEXT_LENGTH_MAX)
    plain = plainly(text)
    tokens: list[Token] = []
    place = 0
    while place < len(plain.rstrip()):
        match = pattern.match(plain, place)
        if match is None:
            place = len(plain) - len(plain[place:].lstrip())
            tokens.append(Token("odd", plain[place], place + 1, 1))
            place += 1
        else:
            kind = str(match.lastgroup)
            start, place = match.start(kind), match.end()
            tokens.append(Token(kind, match[kind], start + 1, len(match[kind])))
        if len(tokens) > PART_COUNT_MAX:
            raise FormulaRefused("formula_long", limit=PART_COUNT_MAX)
    return [*tokens, Token("end", "", len(plain) + 1, 0)]


class Reader(ABC):
    """Reads arithmetic from tokens; a grammar says what an operand is and what a whole is."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.instructions: list[Instruction] = []
        # What was looked for at this place and not found: what could have stood there.
        self.tried: set[str] = set()

    @abstractmethod
    def whole(self, *, depth: int) -> None:
        """Read what may stand alone, in parentheses or as an argument."""

    @abstractmethod
    def operand(self, *, depth: int) -> bool:
        """Read an operand, if one stands here."""

    def peek(self) -> Token:
        """Return the next token."""
        return self.tokens[self.place]

    def take(self) -> Token:
        """Return the next token and go on to the one after it."""
        token = self.tokens[self.place]
        self.place += 1
        self.tried.clear()
        return token

    def accept(self, *signs: str) -> Token | None:
        """Take the next token if it is one of these signs or words."""
        token = self.peek()
        if token.kind in {"sign", "name"} and token.text in signs:
            return self.take()
        self.tried.update(signs)
        return None

    def accept_kind(self, kind: str) -> Token | None:
        """Take the next token if it is of this kind."""
        if self.peek().kind == kind:
            return self.take()
        self.tried.add(f"<{kind}>")
        return None

    def expect(self, sign: str) -> Token:
        """Take the next token, which must be this sign."""
        token = self.accept(sign)
        if token is None:
            raise self.unexpected()
        return token

    def unexpected(self) -> FormulaRefused:
        """Return what is to be said of the next token, which cannot stand here."""
        token, expected = self.peek(), frozenset(self.tried)
        if token.kind == "end":
            return FormulaRefused("formula_end", token, expected)
        shown = token.text[:_SHOWN_MAX]
        return FormulaRefused(
            "formula_unexpected", token, expected, found=shown, position=token.position
        )

    def emit(self, operation: Operation, at: Token, *, code: str = "", number: float = 0.0) -> None:
        """Append an instruction."""
        self.instructions.append(
            Instruction(operation, code, number, position=at.position, length=at.length)
        )

    def enter(self, depth: int) -> None:
        """Refuse what lies deeper than a person would write."""
        if depth > DEPTH_MAX:
            raise FormulaRefused("formula_deep", self.peek(), limit=DEPTH_MAX)

    def comparison(self, *, depth: int) -> None:
        """Read a sum, and another that it may be compared with."""
        self.sum(depth=depth)
        sign = self.accept(*COMPARISONS)
        if sign is not None:
            self.sum(depth=depth)
            self.emit(COMPARISONS[sign.text], sign)

    def sum(self, *, depth: int) -> None:
        """Read products that are added and subtracted."""
        self.product(depth=depth)
        while (sign := self.accept(*_SUMS)) is not None:
            self.product(depth=depth)
            self.emit(_SUMS[sign.text], sign)

    def product(self, *, depth: int) -> None:
        """Read what is multiplied and divided."""
        self.signed(depth=depth)
        while (sign := self.accept(*_PRODUCTS)) is not None:
            self.signed(depth=depth)
            self.emit(_PRODUCTS[sign.text], sign)

    def signed(self, *, depth: int) -> None:
        """Read an operand, a call or a whole in parentheses, each with its signs."""
        start = self.peek()
        negative = False
        while (sign := self.accept("+", "-")) is not None:
            negative ^= sign.text == "-"
        if self.accept("("):
            self.whole(depth=depth + 1)
            self.expect(")")
        elif not self.operand(depth=depth):
            raise self.unexpected()
        if negative:
            self.emit(Operation.NEGATE, start)

    def number(self) -> bool:
        """Read a number, if one stands here."""
        token = self.peek()
        if token.kind == "number" and not math.isfinite(float(token.text)):
            raise self.unexpected()
        if self.accept_kind("number") is None:
            return False
        self.emit(Operation.CONSTANT, token, number=float(token.text))
        return True

    def call(self, name: Token, *, depth: int) -> None:
        """Read the arguments of a function whose parenthesis is open."""
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise FormulaRefused("formula_function", name, found=name.text, position=name.position)
        count = 0
        while count == 0 or self.accept(","):
            self.whole(depth=depth + 1)
            count += 1
            if function.takes_more and count > 1:
                self.emit(function.operation, name)
        self.expect(")")
        wanted = function.argument_count
        if count < wanted or (count > wanted and not function.takes_more):
            more = "…" if function.takes_more else ""
            raise FormulaRefused(
                "formula_arguments", name, found=name.text, wanted=f"{wanted}{more}", given=count
            )
        if not function.takes_more:
            self.emit(function.operation, name)
