"""The history of deployments: records, their places on a branch, and what follows from them. No I/O."""
