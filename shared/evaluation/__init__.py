"""How good scores are: ranking metrics, intervals over accounts, splits that respect late labels. Pure."""
