import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Writes what is to be cloned as one file, which any user on the machine may read. It is made in
 * a repository beside, so the checkout stays untouched.
 * @param {string} checkout
 * @param {string} path of the bundle
 * @param {{ uncommitted: boolean }} options uncommitted: with what git does not ignore
 * @returns {{ commit: string, left: number }} left: changed files that are not in it
 */
export function writeBundle(checkout, path, { uncommitted }) {
  const git = (/** @type {string[]} */ args, environment = {}) =>
    execFileSync("git", args, {
      cwd: checkout,
      encoding: "utf8",
      env: { ...process.env, ...environment },
    }).trim();
  const head = git(["rev-parse", "HEAD"]);
  const changed = git(["status", "--porcelain", "--untracked-files=all"])
    .split("\n")
    .filter(Boolean);
  const objects = git(["rev-parse", "--path-format=absolute", "--git-path", "objects"]);
  const beside = mkdtempSync(join(tmpdir(), "hivematrix-fresh-bundle-"));
  try {
    git(["init", "--quiet", "--bare", "--initial-branch=main", beside]);
    writeFileSync(join(beside, "objects/info/alternates"), `${objects}\n`);
    const there = {
      GIT_DIR: beside,
      GIT_WORK_TREE: checkout,
      GIT_INDEX_FILE: join(beside, "index"),
      GIT_AUTHOR_NAME: "test:fresh",
      GIT_AUTHOR_EMAIL: "test:fresh",
      GIT_COMMITTER_NAME: "test:fresh",
      GIT_COMMITTER_EMAIL: "test:fresh",
    };
    let commit = head;
    if (uncommitted && changed.length > 0) {
      git(["read-tree", head], there);
      git(["add", "--all"], there);
      const tree = git(["write-tree"], there);
      commit = git(["commit-tree", tree, "-p", head, "-m", "What is not committed yet"], there);
    }
    git(["update-ref", "refs/heads/main", commit], there);
    git(["bundle", "create", "--quiet", path, "HEAD", "main"], there);
    return { commit: commit.slice(0, 7), left: uncommitted ? 0 : changed.length };
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
