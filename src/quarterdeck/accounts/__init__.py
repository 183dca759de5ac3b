"""Who people and programs are and what they may do: `gate.Accounts`, `api.accounts_routers`, `audit.audit`."""
