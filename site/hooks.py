"""What the site needs beyond its configuration: the runbooks in its contents, links to files of the repository, and the
files it must not fetch from elsewhere. Run by MkDocs, https://www.mkdocs.org/user-guide/configuration/#hooks."""

import os
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

HERE = Path(__file__).parent
ROOT = HERE.parent
# A link of Markdown to a relative place: text, path, anchor.
LINK = re.compile(r"\[((?:[^\]\\]|\\.)*)\]\((?![a-z]+:|#|/)([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config):
    """Lists every runbook, so that a new one needs no entry."""
    books = sorted(Path(config["docs_dir"], "runbooks").glob("*.md"))
    for entry in config["nav"]:
        if "Runbooks" in entry:
            entry["Runbooks"] = [f"runbooks/{book.name}" for book in books]
    config["site_url"] = os.environ.get("SITE_URL", "")
    return config


def on_files(files, config):
    """Adds the style, and from the project's own packages the scripts that the theme would fetch."""
    added = {
        "assets/site.css": HERE / "site.css",
        "assets/iframe-worker.js": ROOT / "node_modules/iframe-worker/shim/index.js",
        "assets/mermaid.min.js": ROOT / "node_modules/mermaid/dist/mermaid.min.js",
    }
    for uri, path in added.items():
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turns links to files outside docs/ into links to the repository, or into text where nobody says where that is."""
    repository = os.environ.get("SITE_REPOSITORY", "").rstrip("/")
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def outside(match):
        text, path, anchor = match.group(1), match.group(2), match.group(3) or ""
        target = posixpath.normpath(posixpath.join(folder, path))
        if target.startswith("docs/") and not target.startswith("docs/runbooks/source"):
            return match.group(0)
        if not (ROOT / target).exists():
            raise ValueError(f"{page.file.src_uri}: link to {path}: there is no {target}")
        return f"[{text}]({repository}/blob/main/{target}{anchor})" if repository else text

    return LINK.sub(outside, markdown)


def on_post_page(output, page, config):
    """Takes the search's helper for opened files from the site itself, and lets the keyboard reach the contents' button."""
    up = "../" * page.file.dest_uri.count("/")
    button = '<label class="md-header__button md-icon" for="__drawer"'
    if button not in output:
        raise ValueError("the theme's header has no button for the contents any more")
    return output.replace("https://unpkg.com/iframe-worker/shim", f"{up}assets/iframe-worker.js").replace(
        button, f'{button} tabindex="0" role="button" aria-label="Contents"'
    )
