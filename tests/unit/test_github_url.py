"""Addresses of repositories on GitHub."""

import pytest

from phdb_ci.base.github_url import clone_url, page_of, repository_of


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://github.com/acme/lis.git", "https://github.com/acme/lis"),
        ("https://github.com/acme/lis", "https://github.com/acme/lis"),
        ("https://github.com/acme/lis/", "https://github.com/acme/lis"),
        ("git@github.com:acme/lis.git", "https://github.com/acme/lis"),
        ("https://evil.example/acme/lis.git", None),
        ("https://github.com.evil.example/acme/lis", None),
        ("https://githubxcom/acme/lis", None),
        ("https://github.com/acme/lis/../../evil", None),
        ("https://github.com/acme/lis)[x](javascript:1", None),
        ("https://github.com/acme/lis\n", None),
        ("/srv/lis", None),
    ],
)
def test_only_a_github_address_becomes_a_page(url: str, page: str | None) -> None:
    assert page_of(url) == page


@pytest.mark.parametrize("repository", ["acme/lis", "a/b.c", "a/b.git.c"])
def test_clone_url_names_its_repository(repository: str) -> None:
    assert repository_of(clone_url(repository)) == repository
