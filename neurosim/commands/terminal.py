"""The console that every command prints to."""

from neurosim.tables import SafeConsole

console = SafeConsole()
