"""Make src/sealane/movement/routes/landmarks.npz from network.npz: `python scripts/make_route_landmarks.py`.

To be run after every run of scripts/make_route_network.py; takes some seconds. The same network gives the same bytes.
"""

from __future__ import annotations

from sealane.movement.routes import landmarks, network
from sealane.movement.routes.find import closed_by_default


def main() -> None:
    """Make the file."""
    closed = closed_by_default()
    distances = landmarks.make(network.sea().network, closed)
    landmarks.write(distances, closed, network.PATH)
    print(f"{landmarks.PATH.name}: {distances.shape[1]} landmarks of {distances.shape[0]} corners")


if __name__ == "__main__":
    main()
