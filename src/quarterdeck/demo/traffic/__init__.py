"""The shop's visitors: when they come, who they are, and what they do."""
