"""What people and machines do at GitHub. Each act changes the world and tells it by webhooks; ``at`` may lie in the past."""
