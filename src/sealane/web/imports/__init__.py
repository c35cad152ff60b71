"""Uploads: received in parts, checked in a limited child process, shown before anything changes, applied, undone."""
