"""The words of the house as frozen records, the state machines, and the ports. No behaviour to speak of."""
