"""The condition of a rule: text in, instructions of a stack machine out. Nothing is run.

    condition   = conjunction {"or" conjunction}
    conjunction = negation {"and" negation}
    negation    = ["not"] comparison
    comparison  = sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
    operand     = number [unit] | selector | ("forecast" | "previous" | "budget") "(" selector ")"
    selector    = measure ["{" label {"," label} "}"] ["[" period "]"]
    label       = name [("=" | "!=") text | "in" "(" text {"," text} ")"]

Sums, calls and parentheses are those of `services.plant.arithmetic`; a condition stands in
parentheses and as the first argument of `if`. A fault does not end the reading: what follows the
next `and`, `or` or parenthesis is read as well, so that all faults are said at once.
"""

import re
from dataclasses import dataclass, replace

from compute.topology import Operation
from services.alert_rules.measures import BY_NAME, FunctionName
from services.alert_rules.quantity_units import unit_at
from services.plant.arithmetic import (
    FUNCTIONS,
    FormulaRefused,
    Instruction,
    Reader,
    Token,
    plainly,
    tokens_of,
)

CELL_FUNCTIONS: tuple[FunctionName, ...] = ("forecast", "previous", "budget")
# What stands where a fault was: nothing more is said of it.
UNREAD = "?"
_WORDS = frozenset({"and", "or", "not", "in"})
_STOPS = frozenset({"and", "or", ")", ","})

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)"
    r"|(?P<name>[^\W\d]\w*)"
    r'|"(?P<text>[^"]*)"|(?P<unclosed>".*)'
    r"|(?P<sign><=|>=|!=|==|[-+*/()<>=≤≥≠,{}\[\]%]))",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Label:
    """What a selector says of one label; without an operator: each of them."""

    name: Token
    operator: str
    texts: tuple[Token, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Return what it names."""
        return tuple(token.text for token in self.texts)


@dataclass(frozen=True, slots=True)
class Selector:
    """What an expression asks for, and where it says so."""

    measure: Token
    function: FunctionName
    labels: tuple[Label, ...]
    period: Token | None
    end: int  # position after its last character

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells it from another, wherever they stand."""
        labels = sorted((item.name.text, item.operator, item.codes) for item in self.labels)
        return self.measure.text, self.function, *labels, self.period and self.period.text


@dataclass(frozen=True, slots=True)
class Parsed:
    """An expression as it was read.

    Attributes
    ----------
    instructions : tuple of Instruction
        In the order of a stack machine; the `code` of a LOAD is the number of its selector.
    selectors : tuple of Selector
        Each once.
    faults : tuple of FormulaRefused
        In the order of the text.
    expected : frozenset of str
        What could stand at the end; kinds of words in angle brackets.
    context : tuple of str
        At the end, within a selector: its measure, and the label that is being said.
    """

    instructions: tuple[Instruction, ...]
    selectors: tuple[Selector, ...]
    faults: tuple[FormulaRefused, ...]
    expected: frozenset[str]
    context: tuple[str, ...]


def parse_expression(text: str) -> Parsed:
    """Return an expression as it can be read, with all its faults."""
    try:
        reader = _ConditionReader(text)
    except FormulaRefused as refused:
        return Parsed((), (), (refused,), frozenset(), ())
    reader.read_all()
    return Parsed(
        tuple(reader.instructions),
        tuple(reader.selectors.values()),
        tuple(reader.faults),
        reader.expected(),
        tuple(reader.context),
    )


def _is_stop(token: Token) -> bool:
    return token.kind in {"sign", "name"} and token.text in _STOPS


class _ConditionReader(Reader):
    def __init__(self, text: str) -> None:
        super().__init__(tokens_of(text, _TOKEN))
        self.text = plainly(text)
        self.selectors: dict[tuple[object, ...], Selector] = {}
        self.faults: list[FormulaRefused] = []
        self.context: list[str] = []

    def read_all(self) -> None:
        """Read the text to its end."""
        self.whole(depth=0)
        while self.peek().kind != "end":
            # A parenthesis or comma too many: what follows is one more thing that must hold.
            stop = self.peek()
            self.refuse(self.unexpected())
            while self.accept(*_STOPS):
                continue
            if self.peek().kind != "end":
                self.whole(depth=0)
                self.emit(Operation.AND, stop)

    def expected(self) -> frozenset[str]:
        """Return what could stand at the end of the text."""
        for fault in self.faults:
            if fault.at is not None and fault.at.kind == "end":
                return fault.expected
        return frozenset(self.tried)

    def refuse(self, refused: FormulaRefused) -> None:
        """Note a fault, unless one was noted at that place."""
        places = {fault.at.position for fault in self.faults if fault.at is not None}
        if refused.at is None or refused.at.position not in places:
            self.faults.append(refused)

    def skip(self, start: int) -> None:
        """Go on to what ends the part that begins at a place and has a fault in it."""
        seen, self.place = self.place, start
        if self.tokens[seen].kind != "end":
            self.context.clear()
        open_count = 0
        while (token := self.peek()).kind != "end":
            if self.place >= seen and open_count == 0 and _is_stop(token):
                return
            if token.kind == "sign":
                open_count += token.text in "([{"
                open_count -= token.text in ")]}" and open_count > 0
            self.place += 1

    def whole(self, *, depth: int) -> None:
        self.enter(depth)
        self._joined("or", Operation.OR, depth=depth)

    def _joined(self, word: str, operation: Operation, *, depth: int) -> None:
        self._join_part(word, depth=depth)
        while (sign := self.accept(word)) is not None:
            self._join_part(word, depth=depth)
            self.emit(operation, sign)

    def _join_part(self, word: str, *, depth: int) -> None:
        if word == "or":
            self._joined("and", Operation.AND, depth=depth)
            return
        negations = []
        while (sign := self.accept("not")) is not None:
            negations.append(sign)
        begin, start = len(self.instructions), self.place
        try:
            self.comparison(depth=depth)
            if self.peek().kind != "end" and not _is_stop(self.peek()):
                raise self.unexpected()
        except FormulaRefused as refused:
            self.refuse(refused)
            del self.instructions[begin:]
            self.emit(Operation.CONSTANT, self.peek())
            self.instructions[-1] = replace(self.instructions[-1], unit=UNREAD)
            self.skip(start)
        for sign in negations:
            self.emit(Operation.NOT, sign)

    def operand(self, *, depth: int) -> bool:
        if self.peek().kind in {"text", "unclosed"}:
            token = self.peek()
            raise FormulaRefused("text_as_number", token, found=token.text[:40])
        if self.number():
            self._unit()
            return True
        self.tried.update(("<measure>", "<function>"))
        name = self.peek()
        if name.kind != "name" or name.text in _WORDS:
            return False
        self.take()
        if name.text in CELL_FUNCTIONS and self.accept("("):
            selector = self._selector(self._measure(), name.text)
            self.expect(")")
            self._load(selector, name)
        elif name.text not in BY_NAME and self.accept("("):
            self.call(name, depth=depth)
        else:
            self._load(self._selector(name, "value"), name)
        return True

    def _measure(self) -> Token:
        self.tried.add("<measure>")
        token = self.peek()
        if token.kind != "name" or token.text in FUNCTIONS or token.text in CELL_FUNCTIONS:
            raise self.unexpected()
        return self.take()

    def _unit(self) -> None:
        """Read the unit of the number just read, if it has one."""
        number = self.instructions[-1]
        token = self.peek()
        found = (
            None
            if token.text in _WORDS
            else unit_at(self.text, number.position - 1 + number.length)
        )
        if found is not None:
            unit, end = found
            self.instructions[-1] = replace(number, unit=unit, length=end + 1 - number.position)
            while self.peek().position <= end:
                self.take()
        elif token.kind == "name" and token.text not in _WORDS:
            raise FormulaRefused("unknown_unit", token, found=token.text[:40])
        else:
            self.tried.add("<unit>")

    def _selector(self, measure: Token, function: FunctionName) -> Selector:
        labels: list[Label] = []
        period = None
        if self.accept("{"):
            self.context[:] = [measure.text]
            while not labels or self.accept(","):
                labels.append(self._label(measure))
            self.expect("}")
        if self.accept("["):
            self.context[:] = [measure.text]
            period = self._word("name", "<period>")
            self.expect("]")
        self.context.clear()
        last = self.tokens[self.place - 1]
        return Selector(measure, function, tuple(labels), period, last.position + last.length)

    def _label(self, measure: Token) -> Label:
        name = self._word("name", "<label>")
        sign = self.accept("=", "==", "!=", "in")
        if sign is None:
            return Label(name, "", ())
        self.context[:] = [measure.text, name.text]
        texts: list[Token] = []
        if sign.text == "in":
            self.expect("(")
            while not texts or self.accept(","):
                texts.append(self._word("text", "<text>"))
            self.expect(")")
        else:
            texts.append(self._word("text", "<text>"))
        self.context[:] = [measure.text]
        return Label(name, "=" if sign.text == "==" else sign.text, tuple(texts))

    def _word(self, kind: str, expected: str) -> Token:
        if self.peek().kind == kind:
            return self.take()
        self.tried.add(expected)
        if self.peek().kind == "unclosed":
            raise FormulaRefused("text_unclosed", self.peek(), frozenset(self.tried))
        raise self.unexpected()

    def _load(self, selector: Selector, at: Token) -> None:
        known = self.selectors.setdefault(selector.key, selector)
        index = list(self.selectors).index(known.key)
        self.emit(Operation.LOAD, at, code=str(index))
        length = selector.end - at.position
        self.instructions[-1] = replace(self.instructions[-1], length=length)
