"""The policy texts that runs used, kept by digest: what a past run decided by stays readable."""

from __future__ import annotations

from flows.publishing.run import Context, Run
from flows.publishing.workspace import Workspace
from transforms.policies.documents import NotRead
from transforms.policies.policy import Policies


def keep_policies(run: Run, context: Context) -> None:
    """Takes the texts of the policies that a run uses into its commit, unless they are kept."""
    folder = context.workspace.policies / context.policies.digest
    for name, text in context.policies.texts.items():
        target = folder / f"{name}.yaml"
        if context.state.has(target):
            continue
        temporary = run.temporary(target)
        temporary.write_bytes(text)
        run.replace(temporary, target)


def kept_policies(workspace: Workspace, digest: str) -> Policies | None:
    """The policies of a digest, as a manifest names it; none where their texts are not kept, or
    are no longer what that digest is of.
    """
    folder = workspace.policies / digest
    if not folder.is_dir():
        return None
    try:
        found = Policies.kept(folder)
    except (OSError, NotRead):
        return None
    return found if found.digest == digest else None
