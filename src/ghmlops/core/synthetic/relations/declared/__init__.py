"""Relations about fields that the policy declares."""
