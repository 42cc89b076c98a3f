"""The formula of a virtual meter: text in, instructions of a stack machine out. Nothing is run.

    formula    = sum [("<" | "<=" | ">" | ">=" | "=" | "!=") sum]
    operand    = number | reference
    reference  = name | "[" code "]"

A reference names a point or another virtual meter, by its code; a code that is no plain name, as
`grid-1`, stands in brackets. Sums, calls and parentheses are those of `arithmetic`.
"""

import re

from compute.topology import Operation
from services.plant.arithmetic import FormulaRefused, Instruction, Reader, tokens_of

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)(?![A-Za-z0-9_.])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|\[(?P<code>[^\[\]]{1,64})\]"
    r"|(?P<sign><=|>=|!=|==|[-+*/()<>=≤≥≠,]))"
)


class _FormulaReader(Reader):
    def whole(self, *, depth: int) -> None:
        self.enter(depth)
        self.comparison(depth=depth)

    def operand(self, *, depth: int) -> bool:
        if self.number():
            return True
        token = self.accept_kind("code") or self.accept_kind("name")
        if token is None:
            return False
        if token.kind == "name" and self.accept("("):
            self.call(token, depth=depth)
        else:
            self.emit(Operation.LOAD, token, code=token.text)
        return True


def parse_formula(text: str) -> tuple[Instruction, ...]:
    """Return the instructions of a formula, in the order of a stack machine.

    Raises
    ------
    FormulaRefused
        If the text is no formula, or a longer or deeper one than a person would write.
    """
    reader = _FormulaReader(tokens_of(text, _TOKEN))
    for token in reader.tokens:
        if token.kind == "odd":
            raise FormulaRefused(
                "formula_unexpected", token, found=token.text, position=token.position
            )
    reader.whole(depth=0)
    if reader.peek().kind != "end":
        raise reader.unexpected()
    return tuple(reader.instructions)


def references(instructions: tuple[Instruction, ...]) -> tuple[str, ...]:
    """Return the codes that a formula names, each once, in the order in which it names them."""
    return tuple(dict.fromkeys(step.code for step in instructions if step.code))
