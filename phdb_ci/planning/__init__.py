"""Matrix, Sources and Inventory → Plan: what would run, on which commits, and why."""
