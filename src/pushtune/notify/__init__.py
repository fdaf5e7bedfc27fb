"""The letter to the developer: who gets one, when, what it says, and how it is sent."""
