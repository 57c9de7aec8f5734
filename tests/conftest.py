"""What holds for all tests."""

from hypothesis import settings

# A machine that is busy must not make a test fail; a failure prints what repeats it.
settings.register_profile("rapport", deadline=None, max_examples=50, print_blob=True)
settings.load_profile("rapport")
