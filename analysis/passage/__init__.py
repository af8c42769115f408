"""When the membrane first reaches its threshold, and what a decision takes."""
