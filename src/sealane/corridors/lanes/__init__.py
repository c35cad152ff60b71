"""What a lane emits: rotations, legs, attribution and distance to target."""
