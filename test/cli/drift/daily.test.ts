import { expect } from "chai";

import { dailyUnits } from "../../../cli/drift/daily.ts";

const options = {
  checkout: "/home/ann/hive matrix",
  stack: "prod",
  at: "06:30",
  hive: ["/usr/bin/node", "/home/ann/hive matrix/cli/hive.js"],
  environment: {
    PATH: "/usr/bin",
    PULUMI_BACKEND_URL: "s3://bucket?a=%20b",
    PULUMI_CONFIG_PASSPHRASE_FILE: "/home/ann/key",
    PULUMI_ACCESS_TOKEN: "hidden",
  },
};

describe("the daily look at drift", () => {
  it("is a timer at its time and a service that knows where the state is, and no secret", () => {
    const { timer, service } = dailyUnits(options);
    expect(timer).to.include("OnCalendar=*-*-* 06:30:00\n").and.include("Persistent=yes\n");
    expect(service).to.include(
      'ExecStart="/usr/bin/node" "/home/ann/hive matrix/cli/hive.js" "drift" "--stack" "prod"\n',
    );
    expect(service).to.include('Environment="PULUMI_BACKEND_URL=s3://bucket?a=%%20b"\n');
    expect(service).to.include("WorkingDirectory=/home/ann/hive matrix\n");
    expect(service).not.to.include("hidden");
  });

  it("refuses what is no time, and a passphrase that would be gone by tomorrow", () => {
    expect(() => dailyUnits({ ...options, at: "25:00" })).to.throw(
      "25:00 is no time: give hours and minutes, such as 06:30.",
    );
    const environment = { PULUMI_CONFIG_PASSPHRASE: "secret" };
    expect(() => dailyUnits({ ...options, environment })).to.throw(/PULUMI_CONFIG_PASSPHRASE_FILE/);
  });
});
