"""Portraits of invented people, drawn in SVG."""

from __future__ import annotations

import hashlib


def portrait(seed: str) -> bytes:
    """A head and shoulders whose colours belong to the seed."""
    digest = hashlib.sha256(seed.encode()).digest()
    ground, coat = digest[0] * 360 // 256, digest[1] * 360 // 256
    skin = ("#f1c9a5", "#d9a074", "#a86f45", "#6f452b", "#e8b48b")[digest[2] % 5]
    hair = ("#2c222b", "#5a3825", "#a5673f", "#d8b46a", "#8a8d91")[digest[3] % 5]
    inside = (
        f'<rect width="200" height="200" fill="hsl({ground} 38% 82%)"/>'
        f'<path d="M30 200q4-62 70-62t70 62z" fill="hsl({coat} 34% 46%)"/>'
        f'<path d="M84 118h32v30q-16 14-32 0z" fill="{skin}"/><circle cx="100" cy="86" r="40" fill="{hair}"/>'
        f'<ellipse cx="100" cy="94" rx="31" ry="35" fill="{skin}"/>'
        f'<path d="M66 88q6-34 38-32t32 32q-34-2-44-18-6 14-26 18z" fill="{hair}"/>'
    )
    size = 'viewBox="0 0 200 200" width="200" height="200"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{inside}</svg>'.encode()
