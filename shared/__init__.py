"""Rooms that two services need today: four pure ones, and bus, stores, runtime and client."""
