"""The dashboard of all deployments: a static site from the records of the history."""
