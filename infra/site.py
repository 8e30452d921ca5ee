"""The dashboard's files: from `frontend/dist` into the site's bucket, each with the caching that it bears."""

from __future__ import annotations

import json
import mimetypes
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.stage import CannotDo

FOREVER = "public, max-age=31536000, immutable"
"""For what is named by its content."""
ASK = "no-cache"
"""For what keeps its name: browsers ask each time whether it has changed."""


def upload(s3: Any, bucket: str, built: Path, configuration: Mapping[str, str]) -> int:
    """Put every file; how many. `index.html` is last, so that it never names a file that is not there yet.

    Old files stay: a dashboard that is open may still ask for them.
    """
    if not (built / "index.html").is_file():
        raise CannotDo("The dashboard is not built: there is no frontend/dist/index.html. `make deploy` builds it.")
    paths = sorted((path for path in built.rglob("*") if path.is_file()), key=lambda path: path.name == "index.html")
    config = json.dumps(configuration).encode()
    s3.put_object(Bucket=bucket, Key="config.json", Body=config, ContentType="application/json", CacheControl=ASK)
    for path in paths:
        name = path.relative_to(built).as_posix()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        text = kind.startswith("text/") or kind == "application/json"
        s3.put_object(
            Bucket=bucket,
            Key=name,
            Body=path.read_bytes(),
            ContentType=f"{kind}; charset=utf-8" if text else kind,
            CacheControl=FOREVER if name.startswith("assets/") else ASK,
        )
    return len(paths) + 1


def invalidate(cloudfront: Any, distribution: str) -> None:
    """Let CloudFront ask for every file again. It takes effect within minutes, so nobody waits for it."""
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": str(time.time_ns())}
    cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)


def empty(s3: Any, bucket: str) -> None:
    """Remove every file: CloudFormation deletes no bucket that has some."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=item["Key"])


def configuration(site: Mapping[str, str]) -> dict[str, str]:
    """What the dashboard has to know, from the outputs of the site stack."""
    about = {"issuer": site["Issuer"], "client_id": site["Client"], "token": "access_token"}
    return {"api": "/api", "scope": "openid email profile", **about}
