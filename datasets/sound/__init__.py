"""What is done to the sound of a dataset: cleaning, splitting, features, augmentation. Pure functions on arrays."""
