"""The machinery that turns the chapters into a checked book; lib itself holds the theory."""
