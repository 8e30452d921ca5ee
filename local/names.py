"""Invented names: the same id has the same name on the simulator's page and in the fake Graph API's profiles."""

from __future__ import annotations

import hashlib

_FIRST = (
    "Ada Amara Anton Bea Camille Chidi Dalia Elif Emeka Farah Finn Greta Hana Idris Ines Jonas Kaito Lena "
    "Lucía Malik Mira Nadia Noor Oskar Paula Quentin Rosa Samir Selma Tariq Uma Vera Wanda Ximena Yusuf "
    "Zoë "
)
_LAST = (
    "Almeida Bauer Costa Demir Eriksen Fischer Garcia Haddad Ivanova Jansen Kowalska Lindqvist Moreau "
    "Nakamura Okafor Patel Quinn Rossi Sato Torres Ueda Varga Weber Yilmaz Zhang "
)


def invented_name(user: str) -> tuple[str, str]:
    """A first and a last name that always belong to this id."""
    number = int(hashlib.sha256(user.encode(errors="replace")).hexdigest()[:12], 16)
    first, last = _FIRST.split(), _LAST.split()
    return first[number % len(first)], last[number // 97 % len(last)]
