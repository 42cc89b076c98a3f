"""From bytes to columns, one module a form. Nothing is raised for any bytes.

Each form has two decoders. The fast one reads payloads in which it can prove that nothing is
wrong; the strict one reads all, and says of everything it leaves out where, what and why. Where
both give an answer it is the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

from compute.errors import NengtanError
from ingest.decode import imported, nengtan, neuron
from ingest.decode.codes import MEANING, Code
from ingest.reading import Decoded

__all__ = ["FORMS", "MEANING", "Code", "Form", "UnknownForm", "decode"]


@dataclass(frozen=True, slots=True)
class Form:
    """The two decoders of one form."""

    fast: Callable[[bytes], Decoded | None]
    strict: Callable[[bytes], Decoded]


FORMS = {
    "nengtan": Form(nengtan.decode_fast, nengtan.decode_strict),
    "neuron": Form(neuron.decode_fast, neuron.decode_strict),
}
# Of files, and never of the broker: one decoder, for there is nothing to be fast about.
_IMPORT = Form(imported.decode, imported.decode)


class UnknownForm(NengtanError):
    """A form was named that no decoder reads."""

    def __init__(self, form: str) -> None:
        super().__init__(f"form {form!r} is not known; use one of {', '.join(sorted(FORMS))}")
        self.form = form


def decode(form: str, payload: bytes) -> Decoded:
    """Return the readings of a message as columns, with a reason for each that is left out.

    Parameters
    ----------
    form : str
        One of `FORMS`: what the gateway speaks, by its description; or `import`.
    payload : bytes
        Any bytes.

    Raises
    ------
    UnknownForm
        If the form is not one of `FORMS`, which is the caller's fault; never for the payload.
    """
    decoders = _IMPORT if form == "import" else FORMS.get(form)
    if decoders is None:
        raise UnknownForm(form)
    decoded = decoders.fast(payload)
    return decoders.strict(payload) if decoded is None else decoded
