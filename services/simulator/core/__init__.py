"""The simulated world: seeded generators in, payments and labels out."""
