/** What a process of ours may do beyond the least. */
export interface Allowance {
  /** Capabilities it keeps, such as `CAP_NET_BIND_SERVICE`. */
  readonly capabilities: readonly string[];
  /** Networks it may talk with besides this machine; `any` for all. */
  readonly egress: readonly string[];
  /** Absolute paths it may write to. */
  readonly writable: readonly string[];
  /** Whether it may make memory executable, as a just-in-time compiler does (Node, Java). */
  readonly jit: boolean;
}

/** Directives that need no parameter (systemd.exec(5)). */
const always = [
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "ProtectHome=yes",
  "PrivateTmp=yes",
  "PrivateDevices=yes",
  "ProtectClock=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "ProtectControlGroups=yes",
  "ProtectProc=invisible",
  "ProcSubset=pid",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
  "LockPersonality=yes",
  "RemoveIPC=yes",
  "UMask=0077",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallFilter=~@privileged @resources",
  // A refused call is an error the program can report; by default it would be killed.
  "SystemCallErrorNumber=EPERM",
];

/** Lines of `[Service]`: the process sees little, writes nowhere else, talks with nobody else. */
export function sandbox({ capabilities, egress, writable, jit }: Allowance): string[] {
  const kept = capabilities.join(" ");
  return [
    ...always,
    ...(jit ? [] : ["MemoryDenyWriteExecute=yes"]),
    `CapabilityBoundingSet=${kept}`,
    `AmbientCapabilities=${kept}`,
    // The longer prefix does not win: what is allowed is looked at first (systemd.resource-control(5)).
    "IPAddressDeny=any",
    "IPAddressAllow=localhost",
    ...egress.map((network) => `IPAddressAllow=${network}`),
    ...writable.map((path) => `ReadWritePaths=${word(path)}`),
  ];
}

/** A word in a directive that splits its value; specifiers stay text (systemd.unit(5), systemd.syntax(7)). */
export function word(text: string): string {
  const escaped = text
    .replaceAll("%", "%%")
    .replace(/["\\]/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replaceAll("\t", "\\t");
  return /^[\w./:=@,+%-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

/** A command line; nothing in it is a variable or a prefix with a meaning (systemd.service(5)). */
export function commandLine(command: readonly string[]): string {
  return command.map((argument) => word(argument.replaceAll("$", "$$$$"))).join(" ");
}
