"""What commands share: inputs, services, policy file, provenance, evidence."""
