"""What viewers see: every registered thing with its newest values and open alerts, and each change of them at once."""
