"""What hostile servers say of addresses."""

from __future__ import annotations

import pytest

import sources
from galleryctl.checks.observed import Address
from galleryctl.fetch import Http
from galleryctl.inspection import Asks
from galleryctl.inspection.gathering import _address
from servers import Answer, serving


@pytest.mark.parametrize("size", ["9" * 5000, "-1", "1e9", ""])
def test_a_size_that_is_none_is_no_size(size: str) -> None:
    headers = {"X-Linked-Size": size, "Location": "/elsewhere"}
    with serving(lambda asked: Answer(302, b"", headers) if asked.path == "/file" else Answer(200, b"12345")) as served:
        asks = Asks(Http(allow_private=True), sources.of())
        assert _address(f"{served.url}/file", asks) in {Address(), Address(size=5)}
