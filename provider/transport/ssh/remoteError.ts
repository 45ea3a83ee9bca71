/** What the C library says, and how Node names it. */
const codes: Readonly<Record<string, string>> = {
  "No such file or directory": "ENOENT",
  // dash's words for the folder of a new file
  "Directory nonexistent": "ENOENT",
  "Not a directory": "ENOTDIR",
  "Is a directory": "EISDIR",
  "read error: Is a directory": "EISDIR",
  "Invalid argument": "EINVAL",
  "No such process": "ESRCH",
  "Permission denied": "EACCES",
  "Operation not permitted": "EPERM",
  "File exists": "EEXIST",
  "Directory not empty": "ENOTEMPTY",
  "No space left on device": "ENOSPC",
  "Disk quota exceeded": "EDQUOT",
  "Read-only file system": "EROFS",
};

/** An error as Node's file system would throw it, from the last words of a tool (LC_ALL=C). */
export function remoteError(said: string): Error {
  const line = said.trim().split("\n").at(-1) ?? "";
  const reason = Object.keys(codes).find((text) => line.endsWith(text));
  return Object.assign(new Error(line), reason === undefined ? {} : { code: codes[reason] });
}
