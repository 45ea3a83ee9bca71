/** Drawn with lines on a field of 24 by 24. */
const drawings = {
  service: '<path d="m12 2.8 8 4.6v9.2l-8 4.6-8-4.6V7.4zM4.2 7.5 12 12l7.8-4.5M12 12v9"/>',
  helm:
    '<circle cx="12" cy="12" r="6"/><circle cx="12" cy="12" r="1.75"/>' +
    '<path d="M12 2.5v7.75m0 3.5v7.75M2.5 12h7.75m3.5 0h7.75M5.3 5.3l2.45 2.45m8.5 8.5 2.45 2.45m0-13.4-2.45 2.45m-8.5 8.5L5.3 18.7"/>',
  codex:
    '<path d="M12 6.5C10.2 5.2 7.5 4.6 3 4.75v12.75c4.5-.15 7.2.45 9 2 1.8-1.55 4.5-2.15 9-2V4.75c-4.5-.15-7.2.45-9 1.75zm0 0v13"/>',
  ledger: '<rect x="4.5" y="3" width="15" height="18" rx="2"/><path d="M8.5 8h7m-7 4h7m-7 4h3"/>',
  knowledgetree:
    '<circle cx="12" cy="5" r="2.2"/><circle cx="5.5" cy="18.5" r="2.2"/><circle cx="12" cy="18.5" r="2.2"/><circle cx="18.5" cy="18.5" r="2.2"/>' +
    '<path d="M12 7.2v9.1m0-4.8H7.5a2 2 0 0 0-2 2v2.8m6.5-4.8h4.5a2 2 0 0 1 2 2v2.8"/>',
  brainhair:
    '<path d="M20.5 12a7.5 7.5 0 0 1-7.5 7.5H4l2-2.6A7.5 7.5 0 1 1 20.5 12z"/><path d="m13 8.3 1.05 2.65L16.7 12l-2.65 1.05L13 15.7l-1.05-2.65L9.3 12l2.65-1.05z"/>',
  beacon:
    '<circle cx="12" cy="9" r="2"/><path d="M12 11v10m-3.5 0h7M7.8 13.2a6 6 0 0 1 0-8.4m8.4 0a6 6 0 0 1 0 8.4M5 16A9.9 9.9 0 0 1 5 2m14 0a9.9 9.9 0 0 1 0 14"/>',
  archive:
    '<rect x="3" y="4" width="18" height="5" rx="1.5"/><path d="M5 9v9.5A1.5 1.5 0 0 0 6.5 20h11a1.5 1.5 0 0 0 1.5-1.5V9m-9 4h4"/>',
  core:
    '<rect x="6" y="6" width="12" height="12" rx="2"/><rect x="10" y="10" width="4" height="4" rx=".5"/>' +
    '<path d="M9 2.5V6m6-3.5V6M9 18v3.5m6-3.5v3.5M2.5 9H6m-3.5 6H6m12-6h3.5M18 15h3.5"/>',
  nexus:
    '<path d="m12 2.8 8 4.6v9.2l-8 4.6-8-4.6V7.4z"/><circle cx="12" cy="12" r="2.5"/><path d="M12 14.5v6.7m2.2-10.4L20 7.4M9.8 10.8 4 7.4"/>',
  panel: '<rect x="3" y="4" width="18" height="16" rx="2.5"/><path d="M9 4v16"/>',
  settings:
    '<circle cx="15" cy="7" r="2.25"/><circle cx="9" cy="17" r="2.25"/><path d="M4 7h8.75m4.5 0H20M4 17h2.75m4.5 0H20"/>',
  signIn:
    '<path d="M14 4h3.5A1.5 1.5 0 0 1 19 5.5v13a1.5 1.5 0 0 1-1.5 1.5H14M9.5 8l4 4-4 4m4-4H4"/>',
  signOut:
    '<path d="M10 20H6.5A1.5 1.5 0 0 1 5 18.5v-13A1.5 1.5 0 0 1 6.5 4H10m5.5 4 4 4-4 4m4-4H10"/>',
  moon: '<path d="M20 14.2A8.2 8.2 0 0 1 9.8 4 8.2 8.2 0 1 0 20 14.2z"/>',
  sun: '<circle cx="12" cy="12" r="4"/><path d="M12 2.5v2m0 15v2M2.5 12h2m15 0h2M5.3 5.3l1.4 1.4m10.6 10.6 1.4 1.4m0-13.4-1.4 1.4M6.7 17.3l-1.4 1.4"/>',
} as const;

export type IconName = keyof typeof drawings;

/** @param classes of the `<svg>`, none by default */
export function renderIcon(name: IconName, classes = ""): string {
  const attribute = classes === "" ? "" : ` class="${classes}"`;
  return (
    `<svg${attribute} viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.75"` +
    ` stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${drawings[name]}</svg>`
  );
}

/** The drawing of a service we know, else a box. */
export function serviceIcon(service: string): string {
  return renderIcon(Object.hasOwn(drawings, service) ? (service as IconName) : "service");
}
