"""Long work: files from outside are read and results computed in child processes with limits, one row a task."""
