"""The strict reader of the policy file, one module per section."""
