"""The node a port runs: settings, composition, jobs and the HTTP edge. It holds no domain rule."""

from sealane.node.context import Node
from sealane.node.open import init_node, open_node

__all__ = ["Node", "init_node", "open_node"]
