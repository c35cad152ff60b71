"""The node a port runs: settings, composition, jobs and the HTTP edge. It holds no domain rule."""
