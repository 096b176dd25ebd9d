"""Learning the weights that the service ships with, from question sets: ``python -m eval.learning`` repeats it."""
