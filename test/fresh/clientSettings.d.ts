export function clientVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string>;
export function aptSettings(dump: string): string;
export function npmSettings(text: string): string;
export function goSettings(text: string): string;
export function mavenSettings(text: string): string;
export function unknownCertificates(hosts: string, known: string): string[];
