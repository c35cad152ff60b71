"""A node with one fault, for the kit's negative control: its provider takes a verification where nothing was agreed.

Runs as ``python -m tests.conformance.broken node serve --node FOLDER``.
"""

import sys

from sealane.cli.main import run
from sealane.exchange import negotiation
from sealane.exchange.dataspace import Role
from sealane.exchange.negotiation import NegotiationMessage, NegotiationState


def main() -> int:
    """Put the fault into the table of transitions, then do as the command line says."""
    skipped = (NegotiationState.OFFERED, NegotiationMessage.VERIFICATION, Role.CONSUMER)
    negotiation.TRANSITIONS[skipped] = NegotiationState.VERIFIED  # type: ignore[index]  # the fault: the table is fixed
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
