"""The formula of a virtual meter: text in, instructions of a stack machine out. Nothing is run.

    formula    = sum [("<" | "<=" | ">" | ">=" | "=" | "!=") sum]
    sum        = product {("+" | "-") product}
    product    = signed {("*" | "/") signed}
    signed     = ["+" | "-"] signed | number | reference | call | "(" formula ")"
    reference  = name | "[" code "]"
    call       = ("if" | "min" | "max" | "abs" | "first_known") "(" formula {"," formula} ")"

A reference names a point or another virtual meter, by its code; a code that is no plain name, as
`grid-1`, stands in brackets. × ÷ − ≤ ≥ ≠ and full-width signs are taken as what they look like.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from compute.errors import NengtanError
from compute.topology import Operation

TEXT_LENGTH_MAX = 2000
PART_COUNT_MAX = 500
DEPTH_MAX = 32
_SHOWN_MAX = 40

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)(?![A-Za-z0-9_.])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|\[(?P<code>[^\[\]]{1,64})\]"
    r"|(?P<sign><=|>=|!=|==|[-+*/()<>=≤≥≠,]))"
)
_LOOKS_LIKE = str.maketrans("×·÷−–＋－＊／（）＜＞＝，［］", "**/--+-*/()<>=,[]")

_COMPARISONS: Mapping[str, Operation] = {
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
class _Function:
    operation: Operation
    argument_count: int
    takes_more: bool = False  # of two values it makes one, and of that one and a third another


FUNCTIONS: Mapping[str, _Function] = {
    "if": _Function(Operation.IF, 3),
    "min": _Function(Operation.MIN, 2, takes_more=True),
    "max": _Function(Operation.MAX, 2, takes_more=True),
    "abs": _Function(Operation.ABS, 1),
    "first_known": _Function(Operation.FIRST_KNOWN, 2, takes_more=True),
}


class FormulaRefused(NengtanError):
    """A text that is no formula. `code` is the finding that says so, with these facts."""

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(f"{code}: {facts}: correct the formula")
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of the stack machine. Only LOAD names something, only CONSTANT has a number."""

    operation: Operation
    code: str = ""
    number: float = 0.0


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int  # of its first character, from 1


@dataclass(slots=True)
class _Reader:
    tokens: list[_Token]
    place: int = 0
    instructions: list[Instruction] = field(default_factory=list)

    def peek(self) -> _Token:
        return self.tokens[self.place]

    def take(self) -> _Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def accept(self, *signs: str) -> str | None:
        """Take the next token if it is one of these signs, and return it."""
        token = self.peek()
        if token.kind == "sign" and token.text in signs:
            self.place += 1
            return token.text
        return None

    def expect(self, sign: str) -> None:
        if self.accept(sign) is None:
            raise _unexpected(self.peek())

    def emit(self, operation: Operation, *, code: str = "", number: float = 0.0) -> None:
        self.instructions.append(Instruction(operation, code, number))


def parse_formula(text: str) -> tuple[Instruction, ...]:
    """Return the instructions of a formula, in the order of a stack machine.

    Raises
    ------
    FormulaRefused
        If the text is no formula, or a longer or deeper one than a person would write.
    """
    reader = _Reader(_tokens(text))
    _formula(reader, depth=0)
    if reader.peek().kind != "end":
        raise _unexpected(reader.peek())
    return tuple(reader.instructions)


def references(instructions: tuple[Instruction, ...]) -> tuple[str, ...]:
    """Return the codes that a formula names, each once, in the order in which it names them."""
    return tuple(dict.fromkeys(step.code for step in instructions if step.code))


def _tokens(text: str) -> list[_Token]:
    if len(text) > TEXT_LENGTH_MAX:
        raise FormulaRefused("formula_long", limit=TEXT_LENGTH_MAX)
    plain = text.translate(_LOOKS_LIKE)
    tokens: list[_Token] = []
    place = 0
    while place < len(plain.rstrip()):
        match = _TOKEN.match(plain, place)
        if match is None:
            start = len(plain) - len(plain[place:].lstrip())
            raise FormulaRefused("formula_unexpected", found=plain[start], position=start + 1)
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match[kind], match.start(kind) + 1))
        place = match.end()
        if len(tokens) > PART_COUNT_MAX:
            raise FormulaRefused("formula_long", limit=PART_COUNT_MAX)
    return [*tokens, _Token("end", "", len(plain) + 1)]


def _unexpected(token: _Token) -> FormulaRefused:
    if token.kind == "end":
        return FormulaRefused("formula_end")
    shown = token.text[:_SHOWN_MAX]
    return FormulaRefused("formula_unexpected", found=shown, position=token.position)


def _formula(reader: _Reader, *, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise FormulaRefused("formula_deep", limit=DEPTH_MAX)
    _sum(reader, depth=depth)
    sign = reader.accept(*_COMPARISONS)
    if sign is not None:
        _sum(reader, depth=depth)
        reader.emit(_COMPARISONS[sign])


def _sum(reader: _Reader, *, depth: int) -> None:
    _product(reader, depth=depth)
    while (sign := reader.accept(*_SUMS)) is not None:
        _product(reader, depth=depth)
        reader.emit(_SUMS[sign])


def _product(reader: _Reader, *, depth: int) -> None:
    _signed(reader, depth=depth)
    while (sign := reader.accept(*_PRODUCTS)) is not None:
        _signed(reader, depth=depth)
        reader.emit(_PRODUCTS[sign])


def _signed(reader: _Reader, *, depth: int) -> None:
    negative = False
    while (sign := reader.accept("+", "-")) is not None:
        negative ^= sign == "-"
    token = reader.take()
    if token.kind == "number" and math.isfinite(float(token.text)):
        reader.emit(Operation.CONSTANT, number=float(token.text))
    elif token.kind == "code":
        reader.emit(Operation.LOAD, code=token.text)
    elif token.kind == "name" and reader.accept("("):
        _call(reader, token, depth=depth)
    elif token.kind == "name":
        reader.emit(Operation.LOAD, code=token.text)
    elif token.text == "(":
        _formula(reader, depth=depth + 1)
        reader.expect(")")
    else:
        raise _unexpected(token)
    if negative:
        reader.emit(Operation.NEGATE)


def _call(reader: _Reader, name: _Token, *, depth: int) -> None:
    function = FUNCTIONS.get(name.text)
    if function is None:
        raise FormulaRefused("formula_function", found=name.text, position=name.position)
    count = 0
    while count == 0 or reader.accept(","):
        _formula(reader, depth=depth + 1)
        count += 1
        if function.takes_more and count > 1:
            reader.emit(function.operation)
    reader.expect(")")
    wanted = function.argument_count
    if count < wanted or (count > wanted and not function.takes_more):
        more = "…" if function.takes_more else ""
        raise FormulaRefused(
            "formula_arguments", found=name.text, wanted=f"{wanted}{more}", given=count
        )
    if not function.takes_more:
        reader.emit(function.operation)
