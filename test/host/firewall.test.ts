import { describeFirewall } from "./firewallOnHost.ts";

describeFirewall("bookworm", "Debian 12");
