"""The people who may sign in: `make operator EMAIL=…`, `make operators`, `make operator-remove EMAIL=…`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from infra.stage import CannotDo

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Operators:
    """The operators in a Cognito pool."""

    def __init__(self, cognito: Any, pool: str) -> None:
        self._cognito = cognito
        self._pool = pool

    def invite(self, email: str) -> str:
        """Let somebody in; Cognito mails them a first password. Whoever has not signed in yet gets another one."""
        address = _address(email)
        there = dict(self.all())
        if there.get(address, "FORCE_CHANGE_PASSWORD") != "FORCE_CHANGE_PASSWORD":
            return f"{address} is an operator already."
        again = {"MessageAction": "RESEND"} if address in there else {}
        attributes = [{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": "true"}]
        self._cognito.admin_create_user(
            UserPoolId=self._pool,
            Username=address,
            UserAttributes=attributes,
            DesiredDeliveryMediums=["EMAIL"],
            **again,
        )
        return f"{address} has mail from Cognito with a first password, which is good for seven days."

    def all(self) -> Iterator[tuple[str, str]]:
        """Every operator's address, and how far they are: CONFIRMED once they have signed in."""
        for page in self._cognito.get_paginator("list_users").paginate(UserPoolId=self._pool):
            for user in page["Users"]:
                attributes = {each["Name"]: each["Value"] for each in user["Attributes"]}
                yield attributes.get("email", user["Username"]), user["UserStatus"]

    def remove(self, email: str) -> str:
        """Let somebody in no more. An access token that they have stays good until it ends."""
        address = _address(email)
        if address not in dict(self.all()):
            raise CannotDo(f"{address} is no operator. `make operators` lists them.")
        self._cognito.admin_user_global_sign_out(UserPoolId=self._pool, Username=address)
        self._cognito.admin_delete_user(UserPoolId=self._pool, Username=address)
        return f"{address} cannot sign in any more; what they have open works for up to an hour."


def _address(email: str) -> str:
    if _EMAIL.fullmatch(email) is None:
        raise CannotDo("Say whom: EMAIL=ana@example.com")
    return email.casefold()
