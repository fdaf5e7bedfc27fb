"""The catalogue; each knob style and each move: how it is found, how it is applied."""
