"""What is fast, measured: scripts that print tables and assert nothing."""
