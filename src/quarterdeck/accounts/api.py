"""All routes of accounts."""

from quarterdeck.accounts.api_account import account_router
from quarterdeck.accounts.api_audit import audit_router
from quarterdeck.accounts.api_keys import keys_router
from quarterdeck.accounts.api_projects import projects_router
from quarterdeck.accounts.api_secrets import secrets_router
from quarterdeck.accounts.api_session import session_router
from quarterdeck.accounts.api_users import invitations_router, reset_router, users_router
from quarterdeck.accounts.gate import Accounts
from quarterdeck.core.web import Router


def accounts_routers(accounts: Accounts) -> list[Router]:
    return [
        session_router(accounts),
        account_router(accounts),
        users_router(accounts),
        invitations_router(accounts),
        reset_router(accounts),
        projects_router(accounts),
        keys_router(accounts),
        audit_router(accounts),
        secrets_router(accounts),
    ]
