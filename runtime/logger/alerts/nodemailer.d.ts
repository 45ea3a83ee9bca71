/** What is used of it; its own types are a package with a cloud's client in its dependencies. */
declare module "nodemailer" {
  interface Mail {
    readonly from: string;
    readonly to: string[];
    readonly subject: string;
    readonly text: string;
  }
  /** @param options `url` is smtp: or smtps:; times are milliseconds */
  export function createTransport(options: Readonly<Record<string, string | number>>): {
    sendMail(mail: Mail): Promise<unknown>;
  };
}
