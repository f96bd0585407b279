"""Published tables and figures: what they consist of, and where they contradict themselves."""
