"""Answers of services as JSON trees: strict parsing, differences by path, exact tests per path, proof by re-asking."""
