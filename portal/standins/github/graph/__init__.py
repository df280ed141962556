"""GraphQL as GitHub answers it: the part about pull requests, in the official shape, within the official limits."""
