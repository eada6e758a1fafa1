"""What `ghmlops init` proposes for a repository: roles of columns, the command of the service, policy and workflows."""
