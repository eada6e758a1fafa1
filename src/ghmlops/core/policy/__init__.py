"""The types of the policy, one module per section."""
