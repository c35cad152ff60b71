"""The HTTP edge: one module per interface, each with ``router(node) -> APIRouter``; ``node.app`` puts them together."""
